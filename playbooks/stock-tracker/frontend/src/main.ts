import { follow, latest, type Tick } from "./prices";
import "./style.css";

const table = document.querySelector<HTMLTableSectionElement>("#prices")!;
const state = document.querySelector<HTMLElement>("#state")!;
const first = new Map<string, number>();

function cell(row: HTMLTableRowElement, index: number, text: string): HTMLTableCellElement {
  const found = row.cells[index] ?? row.insertCell(index);
  found.textContent = text;
  return found;
}

/** Show a price in its symbol's row, beside how far it is from the first one that the page had. */
function show(tick: Tick): void {
  const id = `price-${tick.symbol}`;
  let row = document.querySelector<HTMLTableRowElement>(`#${id}`);
  if (row === null) {
    row = table.insertRow();
    row.id = id;
  }
  const price = Number(tick.price);
  const start = first.get(tick.symbol) ?? price;
  first.set(tick.symbol, start);
  const change = ((price - start) / start) * 100;
  cell(row, 0, tick.symbol);
  cell(row, 1, price.toFixed(2));
  cell(row, 2, `${change >= 0 ? "+" : ""}${change.toFixed(2)} %`).className = change < 0 ? "down" : "up";
  cell(row, 3, String(tick.volume));
  cell(row, 4, new Date(tick.at).toLocaleTimeString());
}

follow(
  (ticks) => ticks.forEach(show),
  (live) => {
    state.textContent = live ? "live" : "connecting again";
    state.className = live ? "up" : "down";
  },
);

latest()
  .then((ticks) => ticks.forEach(show))
  .catch((error: unknown) => console.warn("the last prices can not be had", error));
