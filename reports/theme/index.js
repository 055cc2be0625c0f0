"use strict";
/* Search, sort, course and comparison of the index. Without it every session and every trend is on the page. */
(() => {
  const data = JSON.parse(document.getElementById("report-data").textContent);
  const done = () => { document.documentElement.dataset.drawn = "yes"; };
  const table = document.querySelector("table.sessions");
  if (!table) return done();
  const PAGE = 100;
  const by = (id) => document.getElementById(id);
  const column = (name) => data.fields.indexOf(name);
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, key) => values[key]);
  const number = new Intl.NumberFormat(data.language);
  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

  const lines = [...table.tBodies[0].rows].map((row, i) => ({
    row, i, values: data.rows[i], id: data.ids[i], box: row.querySelector("input"),
    text: plain(`${row.querySelector("th").textContent} ${row.cells[2].textContent} ${data.courses[data.rows[i][0]]} ${data.ids[i]}`),
  }));
  const search = by("search"), course = by("course"), order = by("order"), more = by("more");
  let limit = PAGE, sorted = { key: "date", down: true };

  const compare = (a, b) => {
    const x = a.values[column(sorted.key)], y = b.values[column(sorted.key)];
    if (x === y) return a.i - b.i;
    if (x === null || y === null) return x === null ? 1 : -1; // what is not known stands last either way
    const less = typeof x === "string" ? x.localeCompare(y, data.language) : x - y;
    return sorted.down ? -less : less;
  };
  const show = () => {
    const words = plain(search.value).split(/\s+/).filter(Boolean);
    const chosen = course && course.value !== "" ? Number(course.value) : null;
    const found = lines.filter(({ values, text }) =>
      (chosen === null || values[0] === chosen) && words.every((word) => text.includes(word)));
    const visible = new Set(found.slice().sort(compare).slice(0, limit));
    const body = document.createDocumentFragment();
    for (const line of lines.slice().sort(compare)) {
      line.row.hidden = !visible.has(line);
      body.append(line.row);
    }
    table.tBodies[0].append(body);
    table.hidden = !found.length;
    by("shown").textContent = found.length
      ? fill(data.texts.shown, { shown: number.format(visible.size), all: number.format(found.length) })
      : data.texts.none;
    more.hidden = found.length <= limit;
    const name = chosen === null ? null : data.courses[chosen];
    for (const trend of document.querySelectorAll("[data-trend]")) {
      trend.hidden = data.courses.length > 1 && trend.dataset.trend !== name;
    }
    for (const part of document.querySelectorAll("[data-when=all]")) part.hidden = chosen !== null || words.length > 0;
    for (const button of table.querySelectorAll("[data-sort]")) {
      const head = button.closest("th");
      if (button.dataset.sort === sorted.key) head.setAttribute("aria-sort", sorted.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
    if (order) order.value = sorted.key;
  };
  const sort = (key, down) => { sorted = { key, down }; limit = PAGE; show(); };
  const choose = (value) => {
    course.value = value;
    limit = PAGE;
    const name = value === "" ? "" : data.courses[Number(value)];
    history.replaceState(null, "", name ? `#${encodeURIComponent(name)}` : location.pathname + location.search);
    show();
  };

  search.addEventListener("input", () => { limit = PAGE; show(); });
  search.form.addEventListener("submit", (event) => event.preventDefault());
  order.addEventListener("change", () => sort(order.value, order.value !== "title"));
  for (const button of table.querySelectorAll("[data-sort]")) {
    const key = button.dataset.sort;
    button.addEventListener("click", () => sort(key, sorted.key === key ? !sorted.down : key !== "title"));
  }
  more.addEventListener("click", () => {
    const next = [...table.tBodies[0].rows].find((row) => row.hidden);
    limit += PAGE * 5;
    show();
    if (next) (next.querySelector("a") || next.querySelector("input")).focus();
  });
  if (course) {
    course.addEventListener("change", () => choose(course.value));
    for (const button of document.querySelectorAll("[data-choose]")) {
      button.addEventListener("click", () => { choose(button.dataset.choose); course.focus(); });
    }
  }

  /* Two sessions side by side: what the table says of each, and both curves. */
  const bar = document.querySelector(".compare-bar"), dialog = by("comparison");
  const picked = () => lines.filter(({ box }) => box.checked);
  const pick = () => {
    const count = picked().length;
    bar.hidden = !count;
    by("chosen").textContent = count === 2 ? data.texts.two : data.texts.one;
    by("compare").disabled = count !== 2;
    for (const { box } of lines) box.disabled = count === 2 && !box.checked;
  };
  for (const { box } of lines) box.addEventListener("change", pick);
  by("clear").addEventListener("click", () => {
    const [first] = picked();
    for (const { box } of lines) box.checked = false;
    pick();
    if (first) first.box.focus();
  });
  by("compare").addEventListener("click", () => {
    const pair = picked().sort((a, b) => b.i - a.i); // the earlier one first
    const heads = [...table.tHead.rows[0].cells].map((cell) => cell.textContent.trim());
    const title = ({ row }) => (row.querySelector("th a") || row.querySelector("th").firstChild).textContent.trim();
    const named = [...dialog.querySelectorAll("thead th")];
    pair.forEach((line, i) => {
      named[i].textContent = title(line);
      dialog.querySelectorAll(".note > span")[i].textContent = title(line);
      const curve = line.row.querySelector(".spark path");
      dialog.querySelector(`.overlay .${["one", "two"][i]}`).setAttribute("d", curve ? curve.getAttribute("d") : "");
    });
    const body = dialog.querySelector("tbody");
    body.replaceChildren(...heads.slice(2).map((name, k) => {
      const row = document.createElement("tr"), head = document.createElement("th");
      head.scope = "row";
      head.textContent = name;
      row.append(head, ...pair.map((line) => {
        const cell = document.createElement("td");
        cell.textContent = line.row.cells[k + 2].textContent.trim();
        return cell;
      }));
      return row;
    }));
    by("whole").textContent = fill(data.texts.whole, { a: pair[0].id, b: pair[1].id });
    dialog.showModal();
  });
  by("close").addEventListener("click", () => dialog.close());

  document.querySelector(".tools").hidden = false;
  const asked = data.courses.indexOf(decodeURIComponent(location.hash.slice(1)));
  if (course && asked >= 0) course.value = String(asked);
  show();
  pick();
  done();
})();
