"use strict";
/* Draws every figure of the page with one template, fits it to the width, and answers the page's few controls. */
(() => {
  if (typeof Plotly === "undefined") {
    // Nothing to draw: such a page is small and goes without Plotly.
    document.documentElement.dataset.drawn = "yes";
    return;
  }
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const template = read("plotly-template");
  const locale = read("plotly-locale");
  const { figures, cards } = read("report-data");
  Plotly.register(locale);
  const config = { displayModeBar: false, displaylogo: false, responsive: false, scrollZoom: false, showTips: false, locale: locale.name };
  const NARROW_PX = 600;
  const NARROW_TICKS = 5;
  const PAPER_PX = 680; // width of A4 or Letter between 14 mm margins, at 96 px an inch

  const thinned = (axis) => {
    if (!axis.tickvals || axis.tickvals.length <= NARROW_TICKS) return axis;
    const kept = (_, i) => i % Math.ceil(axis.tickvals.length / NARROW_TICKS) === 0;
    return { ...axis, tickvals: axis.tickvals.filter(kept), ticktext: axis.ticktext.filter(kept) };
  };

  /* A legend that wraps takes its room from the figure: on a phone it has even columns, and the figure grows by its rows. */
  const legend = (figure, div, width) => {
    const names = figure.data.filter((trace) => trace.showlegend !== false && trace.type !== "heatmap").map((trace) => trace.name);
    const entry = 6 * Math.max(0, ...names.map((name) => (name || "").length)) + 8;
    const rows = Math.ceil(names.length / Math.max(1, Math.floor((width - 58) / (entry + 44))));
    div.dataset.height ||= div.clientHeight;
    div.style.height = `${Number(div.dataset.height) + 19 * Math.max(0, rows - 1)}px`;
    return { entrywidth: entry, font: { size: 11 }, ...figure.layout.legend };
  };

  const fitted = (figure, div, width) => {
    const layout = { ...figure.layout, template, width };
    if (width >= NARROW_PX) {
      if (div.dataset.height) div.style.height = `${div.dataset.height}px`;
      layout.height = div.clientHeight;
      return { data: figure.data, layout };
    }
    layout.legend = legend(figure, div, width);
    layout.margin = { l: 44, r: 14, t: 40, b: 32, ...(figure.layout.margin || {}) };
    layout.font = { size: 12 };
    layout.height = div.clientHeight;
    layout.xaxis = thinned(figure.layout.xaxis);
    // A chapter's name is its number: there is no room for titles.
    if (layout.annotations) layout.annotations = layout.annotations.map((note) => (note.name ? { ...note, text: note.name } : note));
    // A letter needs 10 px of a cell; a phone has less, and the colours stay.
    const data = figure.data.map((trace) => (trace.texttemplate ? { ...trace, texttemplate: "" } : trace));
    return { data, layout };
  };

  const drawn = new Map();
  const show = (div, figure, width = div.clientWidth) => {
    drawn.set(div, figure);
    const { data, layout } = fitted(figure, div, Math.floor(width));
    return Plotly.react(div, data, layout, config);
  };
  const redraw = (width) => {
    for (const [div, figure] of drawn) show(div, figure, width);
  };

  const cardPlot = document.querySelector("[data-cards]");
  let card = 0;
  const showCard = (index) => {
    card = index;
    for (const other of document.querySelectorAll("[data-card]")) other.hidden = Number(other.dataset.card) !== index;
    show(cardPlot, cards[index]);
    fill(document.querySelector('[data-table-of="card"]'));
  };

  const who = document.getElementById("who");
  if (who) {
    who.addEventListener("change", () => showCard(Number(who.value)));
    for (const button of document.querySelectorAll("[data-step]")) {
      button.addEventListener("click", () => {
        who.value = String((Number(who.value) + Number(button.dataset.step) + cards.length) % cards.length);
        showCard(Number(who.value));
      });
    }
  }

  const views = [...document.querySelectorAll("[data-view]")];
  for (const button of views) {
    button.addEventListener("click", () => {
      for (const other of views) other.setAttribute("aria-pressed", String(other === button));
      for (const key of document.querySelectorAll("[data-key-of]")) key.hidden = key.dataset.keyOf !== button.dataset.view;
      const figure = figures["heat-map"];
      for (const trace of figure.data) trace.visible = trace.name === button.dataset.view;
      show(document.querySelector('[data-figure="heat-map"]'), figure);
      fill(document.querySelector('[data-table-of="heat-map"]'));
    });
  }

  /* Tables that would weigh too much in every report are made of the figure when they are opened. */
  const number = new Intl.NumberFormat(locale.name, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const share = new Intl.NumberFormat(locale.name, { style: "percent" });
  const clock = (ms, long) => {
    const date = new Date(ms).toISOString().slice(11, 19);
    return long ? date.replace(/^0/, "") : date.slice(3).replace(/^0/, "");
  };
  const element = (name, text, attributes = {}) => {
    const made = document.createElement(name);
    made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const plainText = (escaped) => new DOMParser().parseFromString(escaped, "text/html").documentElement.textContent;
  const text = (value, axis) => (value == null ? "–" : (axis.tickformat || "").endsWith("%") ? share.format(value) : number.format(value));
  const times = (trace, count, long) => Array.from({ length: count }, (_, i) => clock(trace.x0 - (trace.type === "heatmap" ? trace.dx / 2 : 0) + i * trace.dx, long));
  const cells = (figure) => {
    const { data, layout } = figure;
    const long = layout.xaxis.range[1] - layout.xaxis.range[0] >= 3600000;
    const map = data.find((trace) => trace.type === "heatmap" && trace.visible !== false);
    if (map) {
      const names = layout.yaxis.ticktext.map(plainText);
      const value = (row, i) => (map.customdata ? map.customdata[row][i] || "–" : text(map.z[row][i], {}));
      return { head: ["", ...times(map, map.z[0].length, long)], rows: names.map((name, row) => [name, ...map.z[row].map((_, i) => value(row, i))]) };
    }
    const traces = data.filter((trace) => trace.dx !== undefined);
    const axis = (trace) => layout[trace.yaxis ? trace.yaxis.replace("y", "yaxis") : "yaxis"];
    const width = Math.max(...traces.map((trace) => trace.dx));
    const first = traces.find((trace) => trace.dx === width);
    const mean = (trace, i) => {
      const inside = trace.y.filter((y, k) => y != null && Math.floor((trace.x0 + k * trace.dx - layout.xaxis.range[0]) / width) === i);
      return inside.length ? inside.reduce((a, b) => a + b) / inside.length : null;
    };
    const rows = times({ x0: layout.xaxis.range[0], dx: width }, first.y.length, long);
    return { head: ["", ...traces.map((trace) => trace.name)], rows: rows.map((time, i) => [time, ...traces.map((trace) => text(mean(trace, i), axis(trace)))]) };
  };
  const fill = (details) => {
    if (!details || !details.open) return;
    const { head, rows } = cells(details.dataset.tableOf === "card" ? cards[card] : figures[details.dataset.tableOf]);
    const table = element("table", "");
    const top = table.createTHead().insertRow();
    head.forEach((name, i) => top.append(i ? element("th", name, { scope: "col" }) : element("td", "")));
    const body = table.createTBody();
    for (const [name, ...values] of rows) {
      const row = body.insertRow();
      row.append(element("th", name, { scope: "row" }), ...values.map((value) => element("td", value)));
    }
    details.querySelector(".scroll").replaceChildren(table);
  };
  for (const details of document.querySelectorAll("[data-table-of]")) details.addEventListener("toggle", () => fill(details));

  let width = window.innerWidth;
  window.addEventListener("resize", () => {
    // Phones resize the window's height whenever their address bar comes and goes.
    if (window.innerWidth === width) return;
    width = window.innerWidth;
    redraw();
  });
  window.addEventListener("beforeprint", () => redraw(PAPER_PX));
  window.addEventListener("afterprint", () => redraw());

  /* One figure after the other, from the top: what is in sight is there at once, and the page answers meanwhile. */
  const waiting = [...document.querySelectorAll("[data-figure], [data-cards]")];
  const next = () => {
    const div = waiting.shift();
    if (!div) {
      document.documentElement.dataset.drawn = "yes";
      return;
    }
    if (div === cardPlot) showCard(card);
    else show(div, figures[div.dataset.figure]);
    setTimeout(next);
  };
  next();
})();
