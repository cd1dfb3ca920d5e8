// sharp as an engine, with the same protocol as tests/lab/bench/worker.py.
//
//   each     opens the file for each rendition, as sharp is commonly used
//   cascade  decodes once, and creates each rendition from the next larger one

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [, , home, way] = process.argv;
const sharp = createRequire(`${home}/`)("sharp");
sharp.concurrency(1);
sharp.cache(false);

const SIDES = [2048, 1024, 256];
const ANALYSIS = { side: 1600, form: "JPEG", quality: 85 };
const renditionsIn = (form) => [...SIDES.map((side) => ({ side, form, quality: 82 })), ANALYSIS];

const opened = (original) => sharp(original, { limitInputPixels: false });

function shrunk(picture, side) {
  return picture.resize({ width: side, height: side, fit: "inside", withoutEnlargement: true });
}

function encoded(picture, { form, quality }) {
  if (form === "WEBP") return picture.webp({ quality, effort: 2 });
  return picture.flatten({ background: "white" }).jpeg({ quality });
}

async function each(original, form) {
  const bodies = [];
  for (const rendition of renditionsIn(form)) {
    const picture = shrunk(opened(original).autoOrient(), rendition.side);
    bodies.push(await encoded(picture, rendition).toBuffer());
  }
  return bodies;
}

async function cascade(original, form) {
  const bodies = new Map();
  let source = opened(original).autoOrient();
  const renditions = renditionsIn(form);
  for (const rendition of renditions.toSorted((a, b) => b.side - a.side)) {
    const resized = shrunk(source, rendition.side).raw();
    const { data, info } = await resized.toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    source = sharp(data, { raw: { width, height, channels } });
    bodies.set(rendition, await encoded(source.clone(), rendition).toBuffer());
  }
  return renditions.map((rendition) => bodies.get(rendition));
}

const work = { each, cascade }[way];

for await (const line of createInterface({ input: process.stdin })) {
  const { path, form, output } = JSON.parse(line);
  const original = readFileSync(path);
  const before = process.cpuUsage();
  const bodies = await work(original, form);
  const { user, system } = process.cpuUsage(before);
  if (output) bodies.forEach((body, n) => writeFileSync(`${output}-${n}`, body));
  const status = readFileSync("/proc/self/status", "utf8");
  const peak = Number(/VmHWM:\s+(\d+)/.exec(status)[1]) * 1024;
  console.log(JSON.stringify({ cpu: (user + system) / 1e6, peak }));
}
