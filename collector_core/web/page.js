// Fetches the page again every few seconds and keeps what the reader has opened and scrolled to.
"use strict";
const REFRESH_MS = 5000;

async function refresh() {
  if (document.hidden) return;
  const response = await fetch("/", { cache: "no-store" });
  if (!response.ok) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  const main = document.getElementById("main");
  for (const open of main.querySelectorAll("details[open]")) {
    const next = fresh.getElementById(open.id);
    if (next) next.open = true;
  }
  const scrolled = [...main.querySelectorAll("details[open]")].map(
    (details) => [details.id, details.querySelector(".scroll").scrollTop]);
  const focused = document.activeElement?.closest("details")?.id;
  main.replaceChildren(...fresh.getElementById("main").childNodes);
  for (const [id, top] of scrolled) {
    const scroll = document.querySelector(`#${CSS.escape(id)} .scroll`);
    if (scroll) scroll.scrollTop = top;
  }
  if (focused) document.querySelector(`#${CSS.escape(focused)} summary`)?.focus();
}

setInterval(() => refresh().catch(() => {}), REFRESH_MS);
