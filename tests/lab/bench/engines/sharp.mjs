// sharp, asked the same: a line of JSON in, a line of JSON out, as tests/lab/bench/worker.py does.
//
//   each     opens the file for each rendition, as it is mostly used
//   cascade  decodes once, and makes each rendition of the next larger one

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [, , home, way] = process.argv;
const sharp = createRequire(`${home}/`)("sharp");
sharp.concurrency(1);
sharp.cache(false);

const SIDES = [2048, 1024, 256];
const ANALYSIS = { side: 1600, form: "JPEG", quality: 85 };
const wantedAs = (form) => [...SIDES.map((side) => ({ side, form, quality: 82 })), ANALYSIS];

const opened = (original) => sharp(original, { limitInputPixels: false });

function shrunk(picture, side) {
  return picture.resize({ width: side, height: side, fit: "inside", withoutEnlargement: true });
}

function encoded(picture, { form, quality }) {
  if (form === "WEBP") return picture.webp({ quality, effort: 2 });
  return picture.flatten({ background: "white" }).jpeg({ quality });
}

async function each(original, form) {
  const made = [];
  for (const wanted of wantedAs(form)) {
    const picture = shrunk(opened(original).autoOrient(), wanted.side);
    made.push(await encoded(picture, wanted).toBuffer());
  }
  return made;
}

async function cascade(original, form) {
  const made = new Map();
  let source = opened(original).autoOrient();
  const wanted = wantedAs(form);
  for (const one of wanted.toSorted((a, b) => b.side - a.side)) {
    const { data, info } = await shrunk(source, one.side).raw().toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    source = sharp(data, { raw: { width, height, channels } });
    made.set(one, await encoded(source.clone(), one).toBuffer());
  }
  return wanted.map((one) => made.get(one));
}

const work = { each, cascade }[way];

for await (const line of createInterface({ input: process.stdin })) {
  const { path, form, keep } = JSON.parse(line);
  const original = readFileSync(path);
  const before = process.cpuUsage();
  const made = await work(original, form);
  const { user, system } = process.cpuUsage(before);
  if (keep) made.forEach((body, n) => writeFileSync(`${keep}-${n}`, body));
  const status = readFileSync("/proc/self/status", "utf8");
  const peak = Number(/VmHWM:\s+(\d+)/.exec(status)[1]) * 1024;
  console.log(JSON.stringify({ cpu: (user + system) / 1e6, peak }));
}
