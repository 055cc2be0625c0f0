"use strict";
const { session, collection, names } = JSON.parse(document.getElementById("data").textContent);
// Not of the session alone: its faces may be collected anew, and are then others.
const key = `emorec-labels-${session}-${collection}`;
const crop = document.getElementById("crop");
const status = document.getElementById("status");
const buttons = [...document.querySelectorAll("[data-choice]")];
// By a random name two files of one person are told from those of two; it says nothing of who that is.
let labeller = [...crypto.getRandomValues(new Uint8Array(8))].map((b) => b.toString(16).padStart(2, "0")).join("");
let labels = {};
try {
  const kept = JSON.parse(localStorage.getItem(key));
  if (kept) ({ labeller, labels } = kept);
} catch {
  // Without storage the labels last as long as the page.
}
let at = Math.max(names.findIndex((name) => !(name in labels)), 0);

function show() {
  const name = names[at];
  crop.src = `crops/${name}.png`;
  crop.alt = `face ${at + 1} of ${names.length}`;
  for (const button of buttons) {
    button.setAttribute("aria-pressed", String(labels[name] === button.dataset.choice));
  }
  const done = Object.keys(labels).length;
  document.getElementById("done").value = done;
  document.getElementById("back").disabled = at === 0;
  document.getElementById("next").disabled = at === names.length - 1;
  document.getElementById("save").disabled = done === 0;
  const all = done === names.length ? " Save them now." : "";
  status.textContent = `Face ${at + 1} of ${names.length}; ${done} labelled.${all}`;
}

function move(step) {
  at = Math.min(Math.max(at + step, 0), names.length - 1);
  show();
}

function choose(choice) {
  labels[names[at]] = choice;
  try {
    localStorage.setItem(key, JSON.stringify({ labeller, labels }));
  } catch {
    // As above.
  }
  move(1);
}

function save() {
  const text = JSON.stringify({ session, collection, labeller, saved: new Date().toISOString(), labels }, null, 1);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = `labels-${session}.json`;
  link.click();
  URL.revokeObjectURL(link.href);
}

for (const button of buttons) {
  button.addEventListener("click", () => choose(button.dataset.choice));
}
document.getElementById("back").addEventListener("click", () => move(-1));
document.getElementById("next").addEventListener("click", () => move(1));
document.getElementById("save").addEventListener("click", save);
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const number = Number(event.key);
  if (number >= 1 && number <= buttons.length) choose(buttons[number - 1].dataset.choice);
  else if (event.key === "ArrowLeft") move(-1);
  else if (event.key === "ArrowRight") move(1);
});
show();
