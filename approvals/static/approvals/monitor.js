// The monitor: countdowns run until somebody pauses them, and the lists do not change under somebody's hands. Without
// this file the page is right as of the moment that it names.
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

  const pause = document.getElementById("monitor-pause");
  const isPaused = () => pause.getAttribute("aria-pressed") === "true";

  const tick = () => {
    if (isPaused()) return;
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
    if (event.target.id === "monitor-lists" && (isPaused() || isBusy(event.target))) event.preventDefault();
  });

  // For this tab, so that a page that is loaded again stays as quiet as it was.
  const show = (isOn) => {
    pause.setAttribute("aria-pressed", String(isOn));
    const said = document.getElementById("monitor-paused");
    said.textContent = isOn ? said.dataset.text : "";
    try {
      sessionStorage.setItem("monitor-paused", String(isOn));
    } catch {
      // Storage may be off; then it holds for this page.
    }
  };

  pause.addEventListener("click", () => {
    show(!isPaused());
    if (!isPaused()) {
      tick();
      htmx.trigger("#monitor-lists", "renew");
    }
  });
  pause.hidden = false;
  try {
    if (sessionStorage.getItem("monitor-paused") === "true") show(true);
  } catch {
    // As above.
  }

  setInterval(tick, 1000);
  tick();
}
