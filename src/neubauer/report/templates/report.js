"use strict";
// The page is whole without this; with it come the pictures, and sorting, searching and paging of the table.
(() => {
  const byId = (id) => document.getElementById(id);
  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  const pictures = JSON.parse(byId("pictures").textContent);
  const table = byId("counts-table");
  const body = table.tBodies[0];
  const images = [...body.rows].map((row) => ({
    row,
    place: Number(row.dataset.i),
    name: row.cells[0].textContent,
    text: row.textContent.toLowerCase(),
    flags: [...row.querySelectorAll(".flag")].map((e) => e.textContent),
    notes: [...row.querySelectorAll(".note")].map((e) => e.textContent),
  }));

  // --- pages of a list ---
  function pager(place, size, what, show) {
    let list = [];
    let first = 0;
    const said = make("span", { ariaLive: "polite" });
    const back = make("button", { type: "button", textContent: "‹", ariaLabel: `earlier ${what}` });
    const on = make("button", { type: "button", textContent: "›", ariaLabel: `later ${what}` });
    const draw = () => {
      const page = list.slice(first, first + size);
      const last = first + page.length;
      said.textContent = list.length ? `${(first + 1).toLocaleString("en")}–${last.toLocaleString("en")} of ${list.length.toLocaleString("en")}` : "none";
      back.disabled = first === 0;
      on.disabled = last >= list.length;
      back.hidden = on.hidden = list.length <= size;
      show(page);
    };
    back.onclick = () => { first = Math.max(0, first - size); draw(); };
    on.onclick = () => { first += size; draw(); };
    place.append(back, said, on);
    return {
      set(items) { list = items; first = 0; draw(); },
      all() { show(list); },
      draw,
    };
  }

  // --- pictures, those to be checked first ---
  const rank = (image) => (image.flags.length ? 0 : image.notes.length ? 1 : 2);
  const ranked = [...images].sort((a, b) => rank(a) - rank(b) || a.place - b.place);
  const source = (webp) => `data:image/webp;base64,${webp}`;

  function card(image) {
    const [plain, outlined] = pictures[image.place];
    const button = make("button", { type: "button", ariaPressed: "false", ariaLabel: `${image.name}: show what was counted` });
    if (plain) button.append(make("img", { src: source(plain), alt: "", decoding: "async" }));
    if (outlined) button.append(make("img", { src: source(outlined), alt: "", decoding: "async" }));
    if (!plain && !outlined) {
      button.append(make("span", { className: "none", textContent: "no picture was kept" }));
      button.disabled = true;
    }
    button.onclick = () => { button.ariaPressed = String(button.ariaPressed !== "true"); };
    const count = image.row.querySelector(".total").textContent;
    const item = make("li", { className: image.flags.length ? "card flagged" : "card" }, button,
      make("p", { className: "title" }, make("span", { textContent: image.name }), make("span", { className: "count", textContent: count })));
    for (const flag of image.flags) item.append(make("span", { className: "flag", textContent: flag }));
    for (const note of image.notes) item.append(make("span", { className: "note", textContent: note }));
    if (image.row.dataset.o) {
      const path = image.row.dataset.o.split("/").map(encodeURIComponent).join("/");
      item.append(make("a", { className: "full", href: path, textContent: "full size" , ariaLabel: `${image.name} at full size` }));
    }
    return item;
  }

  const gallery = byId("gallery");
  const cards = pager(byId("gallery-pager"), 24, "images", (page) => gallery.replaceChildren(...page.map(card)));
  const which = byId("gallery-which");
  const choose = () => cards.set(ranked.filter((i) => which.value === "all" || (which.value === "flag" ? i.flags.length : i.notes.length)));
  which.onchange = choose;
  byId("gallery-tools").hidden = false;
  choose();

  // --- the table: only the rows of a page are in the document ---
  let found = images;
  const rows = pager(byId("table-pager"), 50, "rows", (page) => body.replaceChildren(...page.map((image) => image.row)));
  const search = byId("search");
  let column = -1;
  let down = false;
  const inNaturalOrder = new Intl.Collator("en", { numeric: true });
  const value = (image) => {
    const cell = image.row.cells[column];
    if ("v" in cell.dataset) return cell.dataset.v === "" || cell.dataset.v === "nan" ? NaN : Number(cell.dataset.v);
    return cell.textContent;
  };
  const compare = (a, b) => {
    if (typeof a === "string") return (a === "") - (b === "") || (down ? -1 : 1) * inNaturalOrder.compare(a, b);
    return Number.isNaN(a) - Number.isNaN(b) || (down ? b - a : a - b) || 0;
  };
  function list() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    found = images.filter((image) => words.every((word) => image.text.includes(word)));
    if (column >= 0) {
      const keys = new Map(found.map((image) => [image, value(image)]));
      found = [...found].sort((a, b) => compare(keys.get(a), keys.get(b)) || a.place - b.place);
    }
    rows.set(found);
  }
  [...table.tHead.rows[0].cells].forEach((cell, i) => {
    const button = make("button", { type: "button", textContent: cell.textContent });
    button.onclick = () => {
      down = column === i ? !down : cell.classList.contains("n");
      column = i;
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      cell.setAttribute("aria-sort", down ? "descending" : "ascending");
      list();
    };
    cell.replaceChildren(button);
  });
  search.oninput = list;
  byId("table-tools").hidden = false;
  list();

  // --- on paper: all rows, and all pictures that are to be checked ---
  window.addEventListener("beforeprint", () => {
    rows.all();
    const flagged = ranked.filter((image) => image.flags.length);
    gallery.replaceChildren(...(flagged.length ? flagged : ranked).slice(0, 200).map(card));
  });
  window.addEventListener("afterprint", () => { rows.draw(); cards.draw(); });

  // --- light and dark, and the paragraph to paste ---
  const theme = byId("theme");
  const dark = () => (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const label = () => { theme.textContent = dark() ? "Light" : "Dark"; };
  theme.onclick = () => { document.documentElement.dataset.theme = dark() ? "light" : "dark"; label(); };
  theme.hidden = false;
  label();
  const copy = byId("copy");
  copy.hidden = false;
  copy.onclick = () => {
    const range = document.createRange();
    range.selectNodeContents(byId("paragraph"));
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    byId("copied").textContent = document.execCommand("copy") ? "Copied." : "Selected: copy it with Ctrl+C.";
  };
})();
