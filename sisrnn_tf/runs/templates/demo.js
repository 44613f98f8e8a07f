"use strict";

const SVG = "http://www.w3.org/2000/svg";
const element = id => document.getElementById(id);

function svg(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const line = points => svg("polyline", { points: (points.length > 1 ? points : [points[0], points[0]]).join(" ") });

/* One request at a time: what changes meanwhile is asked for next, as it then is. */
function live(path, make, show, status) {
  let busy = false, again = false;
  return async function ask() {
    if (busy) { again = true; return; }
    busy = true;
    const began = performance.now();
    try {
      const given = make();
      const response = await fetch(path, { method: "POST", body: JSON.stringify(given) });
      const answer = await response.json();
      if (!response.ok) throw new Error(answer.error);
      show(answer.completions, given);
      const seconds = ((performance.now() - began) / 1000).toFixed(2);
      status.textContent = `${answer.completions.length} ways on in ${seconds} s.`;
      status.classList.remove("wrong");
    } catch (error) {
      const gone = error instanceof TypeError;
      status.textContent = gone ? "The model does not answer: is `sisrnn demo` still running?" : error.message;
      status.classList.add("wrong");
    }
    busy = false;
    if (again) { again = false; ask(); }
  };
}

function showWays(list, pictures) {
  list.replaceChildren(...pictures.map((picture, index) => {
    const item = document.createElement("li"), caption = document.createElement("p");
    caption.textContent = `Way ${index + 1}`;
    item.append(picture, caption);
    return item;
  }));
}

function onRange(id, changed) {
  const input = element(id), output = document.querySelector(`output[for=${id}]`);
  input.addEventListener("input", () => { output.textContent = input.value; changed(); });
  return () => Number(input.value);
}

/* The drawing. */
const board = element("board"), own = element("own"), pen = element("pen");
let strokes = [], isDown = false, cursor = [125, 125], drawingSeed = 0;

const askDrawing = live("/drawing", () => ({
  strokes, pen_down: isDown, num_steps: steps(), num_samples: count(), seed: drawingSeed,
}), (completions, given) => {
  const ways = completions.map((each, index) => svg("g", { class: `way n${index}` }, ...each.map(line)));
  const label = index => ({ viewBox: "0 0 500 500", role: "img", class: "paper", "aria-label": `Way ${index + 1} of the drawing` });
  showWays(element("drawing-ways"), ways.map((way, index) =>
    svg("svg", label(index), ...given.strokes.map(line), way.cloneNode(true))));
  element("ways-on-board").replaceChildren(...(given.strokes.length ? ways : []));  // of nothing they begin anywhere
}, element("drawing-status"));
const steps = onRange("steps", () => askDrawing()), count = onRange("count", () => askDrawing());

function showDrawing() {
  own.replaceChildren(...strokes.map(line));
  pen.setAttribute("transform", `translate(${cursor})`);
  pen.classList.toggle("down", isDown);
}

function drawn() { showDrawing(); askDrawing(); }

function place(event) {
  const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(board.getScreenCTM().inverse());
  return [point.x, point.y].map(value => Math.round(Math.min(500, Math.max(0, value)) * 10) / 10);
}

function putDown(point) { cursor = point; isDown = true; strokes.push([point]); drawn(); }

function moveTo(point) {
  cursor = point;
  if (isDown) strokes.at(-1).push(point);
  if (isDown) drawn(); else showDrawing();
}

function lift() { if (isDown) { isDown = false; drawn(); } }

board.addEventListener("pointerdown", event => {
  if (!event.isPrimary || event.button !== 0) return;
  board.setPointerCapture(event.pointerId);
  lift();
  putDown(place(event));
});
board.addEventListener("pointermove", event => {
  if (!isDown || !board.hasPointerCapture(event.pointerId)) return;
  const point = place(event);
  if (Math.hypot(point[0] - cursor[0], point[1] - cursor[1]) >= 2) moveTo(point);
});
for (const name of ["pointerup", "pointercancel"]) board.addEventListener(name, lift);
board.addEventListener("blur", lift);

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
board.addEventListener("keydown", event => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key in ARROWS) {
    const size = event.shiftKey ? 5 : 20;
    moveTo(cursor.map((value, axis) => Math.min(500, Math.max(0, value + size * ARROWS[event.key][axis]))));
  } else if (event.key === " " || event.key === "Enter") {
    if (isDown) lift(); else putDown(cursor);
  } else if (event.key === "Backspace") {
    takeBack();
  } else return;
  event.preventDefault();
});

function takeBack() { isDown = false; strokes.pop(); drawn(); }
element("undo").addEventListener("click", takeBack);
element("clear").addEventListener("click", () => { isDown = false; strokes = []; drawn(); });
element("drawing-again").addEventListener("click", () => { drawingSeed += 1; askDrawing(); });

/* The digit. */
const SIZE = 8, WAYS = 6, pixels = element("pixels");
const BEGINNING = ["00111100", "01100110", "00000110"];
const cells = Array.from({ length: SIZE * SIZE }, (_, index) => {
  const cell = document.createElement("button"), row = Math.floor(index / SIZE), column = index % SIZE;
  cell.type = "button";
  cell.setAttribute("aria-label", `Row ${row + 1}, column ${column + 1}`);
  cell.setAttribute("aria-pressed", String(BEGINNING[row]?.[column] === "1"));
  return cell;
});
let digitSeed = 0, painted = true;
const isSet = cell => cell.getAttribute("aria-pressed") === "true";

const askDigit = live("/digit", () => ({
  rows: Array.from({ length: rows() }, (_, row) => cells.slice(row * SIZE, (row + 1) * SIZE).map(cell => Number(isSet(cell)))),
  num_samples: WAYS, seed: digitSeed,
}), (completions, given) => {
  const label = index => ({ viewBox: `0 0 ${SIZE} ${SIZE}`, role: "img", class: `paper way n${index}`, "aria-label": `Way ${index + 1} of the digit` });
  const border = given.rows.length;
  showWays(element("digit-ways"), completions.map((each, index) => svg("svg", label(index),
    ...each.flatMap((bits, y) => bits.flatMap((bit, x) =>
      bit ? [svg("rect", { x, y, width: 1, height: 1, class: y < border ? "given" : "made" })] : [])),
    svg("line", { x1: 0, x2: SIZE, y1: border, y2: border }))));
}, element("digit-status"));
const rows = onRange("rows", () => changedRows());

function changedRows() {
  cells.forEach((cell, index) => {
    const row = Math.floor(index / SIZE);
    cell.disabled = row >= rows();
    cell.classList.toggle("last", row === rows() - 1);
  });
  reach(cells[0]);
  askDigit();
}

/* Tab reaches one pixel, arrows the others. */
function reach(chosen) { for (const cell of cells) cell.tabIndex = cell === chosen ? 0 : -1; }

function set(cell, value) {
  if (!cell || cell.disabled || isSet(cell) === value) return;
  cell.setAttribute("aria-pressed", String(value));
  reach(cell);
  askDigit();
}

pixels.append(...cells);
pixels.addEventListener("click", event => {  // by a key: the pointer's are painted
  const cell = event.target.closest("button");
  if (cell && event.detail === 0) set(cell, !isSet(cell));
});
pixels.addEventListener("keydown", event => {
  const index = cells.indexOf(document.activeElement);
  if (!(event.key in ARROWS) || index < 0) return;
  event.preventDefault();
  const [right, down] = ARROWS[event.key], column = index % SIZE + right, next = cells[index + right + SIZE * down];
  if (column < 0 || column >= SIZE || !next || next.disabled) return;
  reach(next);
  next.focus();
});
pixels.addEventListener("pointerdown", event => {
  const cell = event.target.closest("button");
  if (!cell || event.button !== 0) return;
  painted = !isSet(cell);
  pixels.setPointerCapture(event.pointerId);
  set(cell, painted);
});
pixels.addEventListener("pointermove", event => {
  if (!pixels.hasPointerCapture(event.pointerId)) return;
  const cell = document.elementFromPoint(event.clientX, event.clientY);
  if (cells.includes(cell)) set(cell, painted);
});
element("blank").addEventListener("click", () => {
  for (const cell of cells) cell.setAttribute("aria-pressed", "false");
  askDigit();
});
element("digit-again").addEventListener("click", () => { digitSeed += 1; askDigit(); });

showDrawing();
askDrawing();
changedRows();
