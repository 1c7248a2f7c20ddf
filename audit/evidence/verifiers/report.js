"use strict";
// Verifies the pack in the reader's browser. Nothing is fetched, and nothing is shown that was not hashed.
(async () => {
  const DOMAIN = "hitl-portal/entry/v1\n";
  const text = new TextEncoder();
  const $ = (id) => document.getElementById(id);
  const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const unhex = (digits) => {
    if (!/^([0-9a-f]{2})*$/.test(digits)) throw new Error("that is not hexadecimal");
    return Uint8Array.from(digits.match(/../g) || [], (pair) => parseInt(pair, 16));
  };
  const unbase64 = (encoded) => {
    const raw = atob(encoded);
    if (btoa(raw) !== encoded) throw new Error("that is no canonical base64");
    return Uint8Array.from(raw, (sign) => sign.charCodeAt(0));
  };
  const join = (...parts) => {
    const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) { whole.set(part, at); at += part.length; }
    return whole;
  };
  const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", join(...parts)));
  const same = (one, other) => hex(one) === hex(other);
  const node = (left, right) => sha256(Uint8Array.of(1), left, right);
  const half = (number) => Math.floor(number / 2);
  const require = (holds, words) => { if (!holds) throw new Error(words); };

  let hasEd25519 = true;
  async function signed(key, signature, message) {
    try {
      const imported = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
      return await crypto.subtle.verify({ name: "Ed25519" }, imported, signature, message);
    } catch (error) {
      if (error.name !== "NotSupportedError") throw error;
      hasEd25519 = false;
      return true;
    }
  }

  async function readCheckpoint(note, keys) {
    const cut = note.lastIndexOf("\n\n");
    const head = note.slice(0, cut + 1);
    let isSigned = false;
    for (const line of note.slice(cut + 2).trimEnd().split("\n")) {
      const [dash, name, encoded] = line.split(" ");
      require(dash === "\u2014" && encoded, "a signature line is malformed");
      const raw = unbase64(encoded);
      for (const key of keys) {
        const [keyName, id, keyText] = [key.split("+")[0], key.split("+")[1], key.split("+").slice(2).join("+")];
        if (keyName !== name || id !== hex(raw.slice(0, 4))) continue;
        const material = unbase64(keyText);
        const expected = await sha256(text.encode(name + "\n"), material);
        require(hex(expected.slice(0, 4)) === id, "the key has another id");
        require(await signed(material.slice(1), raw.slice(4), text.encode(head)), "the signature does not fit");
        isSigned = true;
      }
    }
    require(isSigned, "no known key has signed it");
    const [, size, root] = head.split("\n");
    return { size: Number(size), root: unbase64(root) };
  }

  async function climbInclusion(index, size, hashed, proof) {
    require(Number.isInteger(index) && index >= 0 && index < size, "the index lies outside the ledger");
    let [first, last] = [index, size - 1];
    for (const part of proof.map(unhex)) {
      require(last > 0, "the proof is too long");
      if (first % 2 || first === last) {
        hashed = await node(part, hashed);
        while (first && !(first % 2)) [first, last] = [half(first), half(last)];
      } else {
        hashed = await node(hashed, part);
      }
      [first, last] = [half(first), half(last)];
    }
    require(last === 0, "the proof is too short");
    return hashed;
  }

  async function checkConsistency(earlier, latest, keys) {
    const old = await readCheckpoint(earlier.note, keys);
    if (old.size === latest.size) { require(same(old.root, latest.root), "two checkpoints differ"); return; }
    require(old.size > 0 && old.size < latest.size, "the checkpoints do not follow each other");
    const parts = earlier.proof.map(unhex);
    if (Number.isInteger(Math.log2(old.size))) parts.unshift(old.root);
    let [first, last] = [old.size - 1, latest.size - 1];
    while (first % 2) [first, last] = [half(first), half(last)];
    let [left, right] = [parts[0], parts[0]];
    for (const part of parts.slice(1)) {
      require(last > 0, "the proof is too long");
      if (first % 2 || first === last) {
        [left, right] = [await node(part, left), await node(part, right)];
        while (first && !(first % 2)) [first, last] = [half(first), half(last)];
      } else {
        right = await node(right, part);
      }
      [first, last] = [half(first), half(last)];
    }
    require(last === 0 && same(left, old.root) && same(right, latest.root),
      `the ledger was rewritten since it held ${old.size} entries`);
  }

  async function checkEntry(entry, latest) {
    const leaf = JSON.parse(entry.leaf);
    const commitment = await sha256(text.encode(DOMAIN), unhex(entry.salt), text.encode(entry.document));
    require(hex(commitment) === leaf.commitment, "its data are not those that were recorded");
    const hashed = await sha256(Uint8Array.of(0), text.encode(entry.leaf));
    require(same(await climbInclusion(entry.index, latest.size, hashed, entry.proof), latest.root),
      "it is not what stands at this index of the signed ledger");
  }

  const cell = (row, words, kind) => {
    const made = document.createElement(kind || "td");
    made.append(words);
    row.append(made);
    return made;
  };
  const details = (title, words) => {
    const box = document.createElement("details");
    const head = document.createElement("summary");
    const body = document.createElement("pre");
    head.append(title);
    body.append(words);
    box.append(head, body);
    return box;
  };
  const pretty = (json) => { try { return JSON.stringify(JSON.parse(json), null, 2); } catch { return json; } };

  function show(number, entry, fault) {
    const row = $("rows").insertRow();
    row.className = fault ? "bad" : "good";
    cell(row, String(number), "th").scope = "row";
    const leaf = fault ? {} : JSON.parse(entry.leaf);
    const said = fault ? {} : JSON.parse(entry.document);
    cell(row, (leaf.at || "").replace("T", " ").replace(/\.\d+Z$/, " UTC"));
    cell(row, leaf.kind || "");
    cell(row, said.actor_name ? `${said.actor_name} (${leaf.actor})` : leaf.actor || "");
    const last = cell(row, fault ? `Not as recorded: ${fault}.` : "");
    if (entry) last.append(details("Data", fault ? String(entry.document) : pretty(entry.document)));
    cell(row, fault ? "\u2717 changed" : `\u2713 entry ${entry.index}`);
  }

  const faults = [];
  const attempt = async (what, check) => {
    try { await check(); return ""; }
    catch (error) { faults.push(`${what}: ${error.message}.`); return error.message; }
  };

  let pack, latest;
  await attempt("The pack", async () => {
    require(window.crypto && crypto.subtle, "this browser cannot hash here; open the file from a disk or use verify.py");
    pack = JSON.parse($("pack").textContent);
    latest = await readCheckpoint(pack.checkpoint, pack.keys);
  });
  if (latest) {
    for (const earlier of pack.earlier) {
      await attempt("Checkpoints", () => checkConsistency(earlier, latest, pack.keys));
    }
    const entries = new Map();
    let number = 0;
    for (const source of document.querySelectorAll("script.entry")) {
      number += 1;
      let entry = null;
      const fault = await attempt(`Row ${number}`, async () => {
        entry = JSON.parse(source.textContent);
        await checkEntry(entry, latest);
        entries.set(entry.index, entry);
      });
      show(number, entry, fault);
    }
    if (number !== pack.count) faults.push(`Rows: ${pack.count} belong to the pack, ${number} are there.`);
    for (const attachment of pack.attachments) {
      let body = "";
      const fault = await attempt(`File ${attachment.path}`, async () => {
        const source = [...document.querySelectorAll("script.file")].find((each) => each.dataset.path === attachment.path);
        require(source, "it is missing");
        body = JSON.parse(source.textContent);
        const digest = `sha256:${hex(await sha256(text.encode(body)))}`;
        require(digest === attachment.digest, "it is not the file that was recorded");
        const entry = entries.get(attachment.entry);
        require(entry && entry.document.includes(`"${digest}"`), "no entry names it");
      });
      const item = document.createElement("li");
      item.className = fault ? "bad" : "good";
      item.append(`${fault ? "\u2717" : "\u2713"} ${attachment.path}`, details("Show", pretty(body)));
      $("files").append(item);
    }
    $("key").append(pack.keys.join("\n"));
    $("checkpoint").append(pack.checkpoint);
  }
  const verdict = $("verdict");
  if (faults.length) {
    verdict.className = "bad";
    verdict.textContent = "Not verified";
    for (const fault of faults) cell($("faults"), fault, "li");
  } else if (!hasEd25519) {
    verdict.className = "unsure";
    verdict.textContent = "Verified but for the signature";
    cell($("faults"), "This browser cannot check Ed25519 signatures. All else fits. Use a newer browser, or verify.py.", "li");
  } else {
    verdict.className = "good";
    verdict.textContent = "Verified";
    cell($("faults"), `${pack.count} entries and ${pack.attachments.length} files are as they were recorded, in the `
      + `ledger of ${latest.size} entries that the key below has signed.`, "li");
  }
  document.body.dataset.done = verdict.className;
})();
