// Other weights of an average: the order from the scores on the page, certainty from the records alone.
// Loaded after site.js, by pages that have such a table.
(() => {
  "use strict";

  const { all, button, chosen, given, keep, make, nameOf, restorable, table, text, toolbar } = board;

  board.whatIf = (grid) => {
    const heads = [...grid.tHead.rows[0].cells];
    const average = heads.findIndex((head) => "average" in head.dataset);
    const best = heads[average].dataset.best ?? "higher";
    const sign = best === "higher" ? 1 : -1;
    const far = best === "zero" ? Math.abs : Number;
    const weighted = heads.filter((head) => head.dataset.weight);
    const least = Math.min(...weighted.map((head) => head.dataset.weight));
    const parts = weighted.map((head) => ({
      at: heads.indexOf(head),
      official: Number((head.dataset.weight / least).toPrecision(4)),
      name: nameOf(head),
      input: make("input", { type: "number", min: 0, step: "any" }),
    }));
    const entries = [...grid.tBodies[0].rows].map((row) => {
      const read = (at) => Number(given(row.cells[at]) ?? Number.NaN);
      return {
        row,
        cell: make("td", { className: "num" }),
        name: row.querySelector(".name").textContent,
        old: far(read(average)),
        digits: row.cells[average].textContent.match(/\.(\d+)/)?.[1].length,
        scores: parts.map(({ at }) => read(at)),
        clusters: parts.map(({ at }) => Number(row.cells[at].dataset.cluster)),
      };
    });
    const head = make("th", { scope: "col", className: "num" }, "What if");
    Object.assign(head.dataset, { key: "whatif", best });
    heads[average].after(head);
    for (const { row, cell } of entries) row.cells[average].after(cell);
    for (const row of all("tbody + tbody tr", grid)) {
      if (row.cells.length < heads.length) row.lastElementChild.colSpan += 1;
      else row.cells[average].after(make("td"));
    }
    const order = table(grid);
    const region = grid.closest("[aria-labelledby]");
    const key = `${region.getAttribute("aria-labelledby")}.weights`;

    const told = make("div");
    const own = () => parts.some(({ input, official }) => +input.value !== official);
    const update = () => {
      const weights = parts.map(({ input }) => Math.max(0, +input.value));
      const sum = weights.reduce((a, b) => a + b);
      for (const entry of entries)
        entry.mean = entry.scores.reduce((total, score, n) => total + (weights[n] && weights[n] * score), 0) / sum;
      for (const entry of entries) entry.now = far(entry.mean);
      const known = entries.filter((entry) => Number.isFinite(entry.now) && Number.isFinite(entry.old));
      const rank = (entry, key) => 1 + known.filter((other) => sign * (other[key] - entry[key]) > 0).length;
      for (const entry of entries) {
        const moved = rank(entry, "old") - rank(entry, "now");
        const move = moved ? (moved > 0 ? ` ▲${moved}` : ` ▼${-moved}`) : "";
        const found = known.includes(entry);
        if (found) entry.cell.dataset.v = entry.mean;
        else delete entry.cell.dataset.v;
        entry.cell.replaceChildren(
          ...(found
            ? [
                text("span", entry.mean.toFixed(entry.digits), "v"),
                text("span", `rank ${rank(entry, "now")}${move}`, "sub"),
              ]
            : ["–"]),
        );
      }
      const pairs = known.flatMap((one, n) =>
        known.slice(n + 1).map((other) => (sign * (one.now - other.now) < 0 ? [other, one] : [one, other])),
      );
      const flips = pairs.filter(([up, low]) => sign * (low.old - up.old) > 0);
      const backed = pairs.filter(([up, low]) => {
        const steps = low.clusters.map((cluster, n) => (weights[n] ? cluster - up.clusters[n] : 0));
        return steps.every((step) => step >= 0) && steps.some(Boolean);
      });
      told.hidden = !own();
      told.replaceChildren(
        text(
          "p",
          `Of ${pairs.length} pairs of systems ${pairs.length - flips.length} keep their order; ${backed.length} are backed by the records.`,
        ),
        make(
          "ul",
          {},
          ...flips
            .slice(0, 9)
            .map(([up, low]) => make("li", {}, text("bdi", up.name), " now before ", text("bdi", low.name))),
          flips.length > 9 ? text("li", `and ${flips.length - 9} more`) : "",
        ),
        text(
          "p",
          "Computed here: the sum of weight × score, divided by the sum of weights. Backed: on the test sets that have weight, the upper system's cluster is nowhere worse and somewhere better. An interval of this average would need resampling, which a page cannot do.",
          "sub",
        ),
      );
    };
    const sort = () => order("whatif", own() && (sign > 0 ? "d" : "a"));
    const changed = () => {
      update();
      keep(key, own() && parts.map(({ input }) => input.value).join("_"));
      say(sort());
    };
    const fill = (values) => parts.forEach(({ input, official }, n) => (input.value = values?.[n] ?? official));
    for (const { input } of parts) input.oninput = changed;
    const labels = parts.map(({ name, input }) => make("label", {}, text("bdi", name), " ", input));
    const say = toolbar(
      region,
      make(
        "fieldset",
        {},
        text("legend", "What if the weights were"),
        ...labels,
        button("Official weights", () => {
          fill();
          changed();
        }),
      ),
      told,
    );
    restorable(() => {
      fill(chosen(key)?.split("_"));
      update();
      if (chosen(key)) sort();
    });
  };
})();
