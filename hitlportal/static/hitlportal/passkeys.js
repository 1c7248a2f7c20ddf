/* Passkeys: asks the browser, puts its answer into the form, sends the form. Without it the forms stay hidden. */
"use strict";

(() => {
    const bytes = (text) =>
        Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));

    const text = (buffer) =>
        btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

    const listed = (credentials) => (credentials || []).map((one) => ({ ...one, id: bytes(one.id) }));

    const options = (given) => {
        const asked = { ...given, challenge: bytes(given.challenge) };
        if (given.user) {
            asked.user = { ...given.user, id: bytes(given.user.id) };
            asked.excludeCredentials = listed(given.excludeCredentials);
        } else {
            asked.allowCredentials = listed(given.allowCredentials);
        }
        return asked;
    };

    const answer = (credential) => {
        const response = {};
        for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
            if (credential.response[name]) response[name] = text(credential.response[name]);
        }
        return JSON.stringify({
            id: credential.id,
            rawId: text(credential.rawId),
            type: credential.type,
            authenticatorAttachment: credential.authenticatorAttachment,
            clientExtensionResults: credential.getClientExtensionResults(),
            response,
        });
    };

    const create = async (given) => {
        const asked = options(given.creation_options.publicKey);
        // A passkey: it names the person itself, and the device has checked who holds it.
        const selection = { ...asked.authenticatorSelection, residentKey: "required", requireResidentKey: true };
        asked.authenticatorSelection = { ...selection, userVerification: "required" };
        return navigator.credentials.create({ publicKey: asked });
    };

    const get = (given) => navigator.credentials.get({ publicKey: options(given.request_options.publicKey) });

    const onPage = () => JSON.parse(document.getElementById("passkey-options").textContent);

    const fromServer = async (address, token) => {
        const facts = token ? { method: "POST", headers: { "X-CSRFToken": token } } : {};
        const said = await fetch(address, { ...facts, headers: { ...facts.headers, Accept: "application/json" } });
        if (!said.ok) throw new Error(`The portal answered ${said.status}.`);
        return said.json();
    };

    const ways = {
        create: () => create(onPage()),
        get: () => get(onPage()),
        login: async (form) => get(await fromServer(form.action)),
    };

    const watch = (form) => {
        form.hidden = false;
        form.addEventListener("submit", async (event) => {
            if (form.elements.credential.value) return;
            event.preventDefault();
            const problem = form.querySelector(".passkey-problem");
            if (problem) problem.hidden = true;
            try {
                form.elements.credential.value = answer(await ways[form.dataset.passkey](form));
                form.submit();
            } catch {
                // The person closed the browser's window, or has no passkey here: the other ways are still there.
                if (problem) problem.hidden = false;
            }
        });
    };

    const watchSigning = (button) => {
        button.closest(".passkey-way").hidden = false;
        button.addEventListener("click", async () => {
            const token = button.form.elements.csrfmiddlewaretoken.value;
            try {
                const given = await fromServer(button.dataset.challenge, token);
                document.getElementById(button.dataset.into).value = answer(await get(given));
                button.form.querySelector(".passkey-said").hidden = false;
            } catch {
                button.focus();
            }
        });
    };

    if (window.PublicKeyCredential) {
        document.querySelectorAll("form[data-passkey]").forEach(watch);
        document.querySelectorAll('button[data-passkey="sign"]').forEach(watchSigning);
    }
})();
