"use strict";
/* Draws every figure of the page with one template, fits it to the width, and answers the page's few controls. */
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const template = read("plotly-template");
  Plotly.register(read("plotly-locale"));
  const { figures, cards } = read("report-data");
  const config = { displayModeBar: false, displaylogo: false, responsive: false, scrollZoom: false, showTips: false, locale: document.documentElement.lang };
  const NARROW_PX = 600;
  const PAPER_PX = 680; // width of A4 or Letter between 14 mm margins, at 96 px an inch

  const fitted = (figure, div, width) => {
    const layout = { ...figure.layout, template, width, height: div.clientHeight };
    if (width >= NARROW_PX) return { data: figure.data, layout };
    const margin = { l: 44, r: 14, t: 40, b: 32, ...(figure.layout.margin || {}) };
    layout.margin = margin;
    layout.font = { size: 12 };
    layout.xaxis = { ...figure.layout.xaxis, nticks: 5 };
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
  const showCard = (index) => {
    for (const card of document.querySelectorAll("[data-card]")) card.hidden = Number(card.dataset.card) !== index;
    show(cardPlot, cards[index]);
  };

  for (const div of document.querySelectorAll("[data-figure]")) show(div, figures[div.dataset.figure]);
  if (cardPlot) showCard(0);

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
    });
  }

  let width = window.innerWidth;
  window.addEventListener("resize", () => {
    // Phones resize the window's height whenever their address bar comes and goes.
    if (window.innerWidth === width) return;
    width = window.innerWidth;
    redraw();
  });
  window.addEventListener("beforeprint", () => redraw(PAPER_PX));
  window.addEventListener("afterprint", () => redraw());
  document.documentElement.dataset.drawn = "yes";
})();
