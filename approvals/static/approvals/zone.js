/* Tells the portal in which time zone its reader lives, so that it can write times as they know them. */
"use strict";

(() => {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (!zone || document.cookie.includes(`time_zone=${zone}`)) return;
    const secure = window.location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `time_zone=${zone}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
})();
