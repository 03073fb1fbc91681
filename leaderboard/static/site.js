// Comfort on pages that are complete without it. What a page offers stands in its data attributes; what a
// reader chose stands in the fragment, so that it can be sent as a link.
(() => {
  "use strict";

  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const make = (tag, facts, ...children) => {
    const made = Object.assign(document.createElement(tag), facts);
    made.append(...children);
    return made;
  };
  const text = (tag, textContent, className = "") => make(tag, { textContent, className });

  // --- theme: set before the first paint ---

  let theme = "";
  const paint = () => (theme ? (root.dataset.theme = theme) : delete root.dataset.theme);
  try {
    theme = localStorage.getItem("theme") ?? "";
  } catch {} // a browser may keep nothing for pages from the disk
  paint();

  const themeSwitch = () => {
    const select = make(
      "select",
      {},
      ...["Auto", "Light", "Dark"].map((name, at) =>
        make("option", { value: at ? name.toLowerCase() : "", text: name }),
      ),
    );
    select.value = theme;
    select.onchange = () => {
      theme = select.value;
      paint();
      try {
        localStorage.setItem("theme", theme);
      } catch {}
    };
    (document.querySelector("[data-theme-here]") ?? document.querySelector("footer"))?.append(
      make("label", { className: "tools" }, "Theme ", select),
    );
  };

  // --- what the reader chose ---

  let state;
  const restorers = [];
  const restorable = (restore) => restorers.push(restore);
  const restoreAll = () => {
    state = new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
    for (const restore of restorers) restore();
  };
  const keep = (key, value) => {
    if (value) state.set(key, value);
    else state.delete(key);
    history.replaceState(null, "", location.href.split("#")[0] + (String(state) && `#${state}`));
  };
  // Tools stand before what they work on, and say what they did.
  const toolbar = (target, ...tools) => {
    const status = make("p", { role: "status" });
    target.before(make("div", { className: "tools" }, ...tools, status));
    return (said) => (status.textContent = said);
  };
  const button = (label, onclick) => make("button", { type: "button", textContent: label, onclick });

  // --- showing some of many: rows, segments ---

  const given = (cell) => (cell?.matches("[data-v]") ? cell : cell?.querySelector("[data-v]"))?.dataset.v;
  // What is searched: all the text of a segment, and of a row what is not a number.
  const wordsOf = (item) => {
    const parts = item.cells ? [...item.cells].filter((cell) => !Number.isFinite(+given(cell))) : [item];
    return parts.map((part) => part.textContent.toLowerCase()).join(" ");
  };

  const filterable = (items, prefix, kinds, done) => {
    const search = make("input", { type: "search" });
    const has = (item, kind) => !kind || item.dataset.is.split(" ").includes(kind);
    const radios = kinds.map(([value]) => make("input", { type: "radio", name: `${prefix}show`, value }));
    const chosen = () => radios.find((radio) => radio.checked)?.value;
    const apply = () => {
      const words = search.value.toLowerCase().split(/\s+/);
      for (const item of items) {
        item.words ??= wordsOf(item);
        item.hidden = !(has(item, chosen()) && words.every((word) => item.words.includes(word)));
      }
      for (const title of all("[scope=rowgroup]").map((cell) => cell.parentNode)) {
        title.hidden = [...title.parentNode.rows].every((row) => row === title || row.hidden);
      }
    };
    const changed = () => {
      apply();
      keep(`${prefix}show`, chosen());
      keep(`${prefix}q`, search.value);
      done(`${items.filter((item) => !item.hidden).length} of ${items.length} shown`);
    };
    const labels = kinds.map(([kind, name], at) =>
      make("label", {}, radios[at], ` ${name} `, text("small", items.filter((item) => has(item, kind)).length)),
    );
    for (const control of [search, ...radios]) control.oninput = changed;
    restorable(() => {
      search.value = state.get(`${prefix}q`) ?? "";
      for (const radio of radios) radio.checked = radio.value === (state.get(`${prefix}show`) ?? "");
      apply();
    });
    const find = make("label", {}, "Find ", search);
    return kinds.length ? [make("fieldset", {}, text("legend", "Show"), ...labels), find] : [find];
  };

  const list = (holder) => {
    const kinds = [["", "All"], ...holder.dataset.filters.split("|").map((part) => part.split("="))];
    const say = toolbar(holder, ...filterable(all("[data-is]", holder), "", kinds, (said) => say(said)));
  };

  // --- tables ---

  const nameOf = (head) => (head.dataset.name ?? head.innerText).split("\n")[0].trim();

  const table = (grid) => {
    const offers = (word) => grid.dataset.tools?.includes(word);
    const region = grid.closest("[aria-labelledby]");
    const prefix = `${region.getAttribute("aria-labelledby")}.`;
    const heads = [...grid.tHead.rows[0].cells];
    const names = heads.map(nameOf);
    const keys = heads.map((head, at) => head.dataset.key ?? String(at));
    const official = heads.map((head) => head.ariaSort);
    const rows = all("tbody tr:not(:has([scope=rowgroup]))", grid);
    const tools = [];
    let say;

    const cellOf = (row, at) => [...row.cells].find((cell) => (at -= cell.colSpan) < 0);
    // The values of a column: numbers if all that are given are numbers; what is not given is undefined.
    const column = (at) => {
      const found = rows.map((row) => given(cellOf(row, at)));
      const some = found.filter((value) => value !== undefined);
      const numeric = some.length && some.every((value) => value !== "" && Number.isFinite(+value));
      const far = heads[at].dataset.best === "zero" ? Math.abs : Number;
      const values = numeric
        ? found.map((value) => value && far(value))
        : some.length
          ? found
          : rows.map((row) => cellOf(row, at)?.textContent.trim());
      return {
        values: new Map(rows.map((row, n) => [row, values[n]])),
        ways: numeric && !/lower|zero/.test(heads[at].dataset.best) ? ["d", "a", ""] : ["a", "d", ""],
      };
    };
    const { compare } = new Intl.Collator("en", { numeric: true });
    let now = ["", ""];
    const order = (key, way) => {
      const at = way ? keys.indexOf(key) : -1;
      const values = at < 0 ? null : column(at).values;
      const between = (one, other) => {
        const [a, b] = [values.get(one), values.get(other)];
        if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
        return (way === "d" ? -1 : 1) * (typeof a === "string" ? compare(a, b) : a - b);
      };
      const sorted = values ? [...rows].sort(between) : rows;
      for (const body of grid.tBodies) body.append(...sorted.filter((row) => row.parentNode === body));
      heads.forEach(
        (head, n) =>
          (head.ariaSort = !values ? official[n] : n === at ? (way === "d" ? "descending" : "ascending") : null),
      );
      grid.toggleAttribute("data-sorted", Boolean(values));
      now = values ? [key, way] : ["", ""];
      return values ? `Sorted by ${names[at]}, ${heads[at].ariaSort}` : "Official order";
    };
    if (offers("sort")) {
      heads.forEach((head, at) => {
        const sort = button("", () => {
          const { ways } = column(at);
          const said = order(keys[at], ways[now[0] === keys[at] ? ways.indexOf(now[1]) + 1 : 0]);
          keep(`${prefix}sort`, now[1] && now.join("."));
          say(said);
        });
        if (head.querySelector("a")) sort.ariaLabel = `Sort by ${names[at]}`;
        else sort.append(...head.childNodes);
        if (names[at]) head.append(sort);
      });
      restorable(() => {
        const [, key, way] = /^(.+)\.([ad])$/.exec(state.get(`${prefix}sort`)) ?? [];
        if (way || now[1]) order(key, way);
      });
    }
    if (offers("filter")) tools.push(...filterable(rows, prefix, [], (said) => say(said)));

    const fixed = [...(rows[0]?.cells ?? [])].findIndex((cell) => cell.scope === "row") + 1;
    if (offers("columns") && heads.length > fixed + 1) {
      const spans = all("tbody [colspan]", grid).map((cell) => [cell, cell.colSpan]);
      const boxes = keys.slice(fixed).map((value) => make("input", { type: "checkbox", value }));
      const gone = () => boxes.filter((box) => !box.checked).map((box) => box.value);
      const apply = () => {
        for (const row of [grid.tHead.rows[0], ...rows]) {
          if (row.cells.length < heads.length) continue;
          boxes.forEach((box, at) => (row.cells[fixed + at].hidden = !box.checked));
        }
        for (const [cell, span] of spans) cell.colSpan = span - gone().length || 1;
      };
      for (const box of boxes) {
        box.oninput = () => {
          apply();
          keep(`${prefix}hide`, gone().join(","));
          say(`${gone().length} columns hidden`);
        };
      }
      const labels = boxes.map((box, at) => make("label", {}, box, ` ${names[fixed + at]}`));
      tools.push(make("details", {}, text("summary", "Columns"), make("div", {}, ...labels)));
      restorable(() => {
        const hidden = (state.get(`${prefix}hide`) ?? "").split(",");
        for (const box of boxes) box.checked = !hidden.includes(box.value);
        apply();
      });
    }
    say = toolbar(region, ...tools);
    return order;
  };

  // --- copying ---

  const copyable = (box) => {
    const copy = async () => {
      try {
        await navigator.clipboard.writeText(box.textContent);
        say("Copied");
      } catch {
        getSelection().selectAllChildren(box);
        say("Selected: copy with Ctrl+C or ⌘C");
      }
    };
    const say = toolbar(box, button(`Copy ${box.dataset.copy}`, copy));
  };

  const shared = (globalThis.board = {
    all,
    button,
    given,
    keep,
    make,
    nameOf,
    restorable,
    table,
    text,
    toolbar,
    chosen: (key) => state.get(key),
  });
  addEventListener("DOMContentLoaded", () => {
    themeSwitch();
    for (const grid of all("table[data-tools]")) (("whatif" in grid.dataset && shared.whatIf) || table)(grid);
    all("[data-filters]").forEach(list);
    all("[data-copy]").forEach(copyable);
    restoreAll();
  });
  // A link with choices is followed; an anchor only lifts a filter that hides its target.
  addEventListener("hashchange", () => {
    const target = document.querySelector(":target");
    if (location.hash.includes("=") || target?.closest("[hidden]")) restoreAll();
    target?.scrollIntoView();
  });
})();
