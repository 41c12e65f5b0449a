"use strict";

const form = document.getElementById("review");
const items = [...document.querySelectorAll(".item")];
const fields = items.map((item) => item.querySelector("input"));
const finish = document.getElementById("finish");
const message = document.getElementById("message");
const key = `kerascnn-review-${form.dataset.identity}`;
const checked = new Map(); // what is right, by the number of the item
let downloaded = true;
let isKept = true;

function keep() {
  try {
    localStorage.setItem(key, JSON.stringify([...checked]));
  } catch {
    isKept = false; // private windows and some browsers forbid it for files
    message.textContent = "This browser keeps nothing for this page: download before you close it.";
  }
}

function restore() {
  try {
    const kept = JSON.parse(localStorage.getItem(key) ?? "[]");
    for (const [index, value] of kept) {
      if (index in fields && typeof value === "string") {
        fields[index].value = value;
        checked.set(index, value);
      }
    }
  } catch {
    checked.clear();
  }
}

function show(index) {
  const mark = items[index].querySelector(".mark");
  const value = checked.get(index);
  items[index].classList.toggle("checked", checked.has(index));
  if (value === undefined) mark.textContent = "";
  else if (value === "") mark.textContent = "✓ no number";
  else if (value === fields[index].defaultValue) mark.textContent = "✓ accepted";
  else mark.textContent = "✓ corrected";
}

function showProgress() {
  document.getElementById("state").textContent = `${checked.size} of ${items.length} checked`;
  document.getElementById("progress").value = checked.size;
}

function clean(text) {
  return text.normalize("NFKC").trim();
}

function decide(index, text) {
  const value = clean(text);
  fields[index].value = value;
  checked.set(index, value);
  downloaded = false;
  keep();
  show(index);
  showProgress();
}

function doubt(index) {
  if (!checked.delete(index)) return;
  keep();
  show(index);
  showProgress();
}

function focus(index) {
  const field = index < 0 ? fields[0] : fields[index];
  (field ?? finish).focus();
  if (field) field.select();
  (field ? items[fields.indexOf(field)] : finish).scrollIntoView({ block: "nearest" });
}

function quote(text) {
  // A spreadsheet would compute what begins like a formula; a plain number with a sign is none.
  const isFormula = /^[=+\-@\t\r]/.test(text) && !/^[+-]?\d+([.,]\d+)?$/.test(text);
  return `"${(isFormula ? "'" : "") + text.replaceAll('"', '""')}"`;
}

function download() {
  const rows = [...checked].sort(([one], [other]) => one - other);
  const lines = rows.map(([index, value]) => items[index].dataset.before + quote(value) + items[index].dataset.after);
  const url = URL.createObjectURL(new Blob([[form.dataset.header, ...lines, ""].join("\n")], { type: "text/csv" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = "corrections.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
  downloaded = true;
  message.textContent = `corrections.csv has ${rows.length} of ${items.length} numbers.`;
}

function press(index, event) {
  if (event.isComposing) return;
  if (event.key === "Enter") {
    event.preventDefault();
    if (event.shiftKey) return focus(index - 1);
    const other = items[index].querySelector(".other");
    if (event.ctrlKey || event.metaKey) {
      if (!other) return;
      decide(index, other.value);
    } else {
      decide(index, fields[index].value);
    }
    focus(index + 1);
  } else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
    event.preventDefault();
    focus(index + (event.key === "ArrowUp" ? -1 : 1));
  } else if (event.key === "Escape") {
    fields[index].value = fields[index].defaultValue;
    fields[index].select();
    doubt(index);
  }
}

fields.forEach((field, index) => {
  field.addEventListener("keydown", (event) => press(index, event));
  field.addEventListener("input", () => doubt(index));
  // Who types something and goes on with Tab or the mouse has decided, too.
  field.addEventListener("change", () => {
    if (clean(field.value) !== field.defaultValue) decide(index, field.value);
  });
  field.addEventListener("focus", () => field.select());
  items[index].querySelector(".other")?.addEventListener("click", (event) => {
    decide(index, event.currentTarget.value);
    focus(index + 1);
  });
});
form.addEventListener("submit", (event) => event.preventDefault());
document.querySelectorAll(".download").forEach((button) => button.addEventListener("click", download));
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") {
    event.preventDefault();
    download();
  }
});
window.addEventListener("beforeunload", (event) => {
  if (!isKept && !downloaded) event.preventDefault();
});

document.querySelector(".keys").open = matchMedia("(min-width: 36rem)").matches;
restore();
items.forEach((_, index) => show(index));
showProgress();
const first = items.findIndex((_, index) => !checked.has(index));
if (items.length) focus(first < 0 ? items.length : first);
