// The monitor: countdowns run, and the lists do not change under somebody's hands. Without this file the page is right
// as of the moment that it names.
"use strict";

{
  const words = (seconds) => {
    const hours = Math.floor(seconds / 3600);
    const minutes = Math.floor((seconds % 3600) / 60);
    if (hours >= 24) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
    if (hours) return `${hours} h ${minutes} min`;
    return minutes ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
  };

  // When a countdown was handed over, by this browser's clock: only the time since then counts, so it may be wrong.
  const begun = new WeakMap();

  const tick = () => {
    const now = performance.now();
    for (const place of document.querySelectorAll("[data-countdown]")) {
      if (!begun.has(place)) begun.set(place, now);
      const left = Number(place.dataset.countdown) - Math.floor((now - begun.get(place)) / 1000);
      const shown = place.querySelector("time") ?? place;
      shown.textContent = left > 0 ? words(left) : "0 s";
    }
  };

  const isBusy = (lists) =>
    lists.contains(document.activeElement) || [...lists.querySelectorAll("input[type=text]")].some((field) => field.value);

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.id === "monitor-lists" && isBusy(event.target)) event.preventDefault();
  });

  setInterval(tick, 1000);
  tick();
}
