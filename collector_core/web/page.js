// Fetches the page again every few seconds and keeps what the reader has opened, scrolled to and focused.
"use strict";
const REFRESH_MS = 5000;

async function refresh() {
  if (document.hidden || reads()) return;
  const response = await fetch("/", { cache: "no-store" });
  if (!response.ok) throw new Error(`answered ${response.status}`);
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  if (!reads()) show(fresh.getElementById("main"));
  document.getElementById("offline").hidden = true;
}

// Whether the reader has marked text, to copy a fix for instance: it would vanish below the pointer.
function reads() {
  return !getSelection().isCollapsed;
}

function show(fresh) {
  const main = document.getElementById("main");
  for (const open of main.querySelectorAll("details[open]")) {
    const next = fresh.querySelector(`#${CSS.escape(open.id)}`);
    if (next) next.open = true;
  }
  const scrolled = [...main.querySelectorAll("details[open] > .scroll")].map(
    (scroll) => [scroll.parentElement.id, scroll.scrollTop]);
  const focused = place(document.activeElement);
  main.replaceChildren(...fresh.childNodes);
  for (const [id, top] of scrolled) {
    const scroll = document.querySelector(`#${CSS.escape(id)} .scroll`);
    if (scroll) scroll.scrollTop = top;
  }
  if (focused) main.querySelector(focused)?.focus({ preventScroll: true });
}

// A selector that finds the focused element in the next page; links have an id, other places are within details.
function place(element) {
  if (element?.id) return `#${CSS.escape(element.id)}`;
  const details = element?.closest("details");
  return details && `#${CSS.escape(details.id)} ${element.matches("summary") ? "summary" : ".scroll"}`;
}

function offline() {
  const note = document.getElementById("offline");
  if (note.hidden) note.textContent = `No answer since ${new Date().toLocaleTimeString()}: what you see is from before.`;
  note.hidden = false;
}

setInterval(() => refresh().catch(offline), REFRESH_MS);
