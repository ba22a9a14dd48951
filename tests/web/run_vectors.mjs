// Evaluates the shared vectors with the browser's half of the language: the file to read, and where it was built.
// Answers, for each case, its tree, its value from the text and its value from the server's checked tree.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [vectorsPath, builtPath] = process.argv.slice(2);
const { compile, ExpressionError, fromJson, parse, recordFromJson, toJson } = await import(
  pathToFileURL(`${builtPath}/expressions/index.js`).href
);
const vectors = JSON.parse(readFileSync(vectorsPath, "utf8"));
const world = { ...vectors.world, lookup };
const record = recordFromJson(vectors.record, vectors.fields);

function lookup(form, column, value, wanted) {
  const { fields, records } = vectors.world.forms[form];
  const row = records.find((each) => each[column] === toJson(value));
  return row === undefined ? null : fromJson(row[wanted], fields[wanted], wanted);
}

// What a hostile expression costs is its time on the processor: on a busy machine the clock says more of others.
function attempt(compute) {
  const began = process.cpuUsage();
  const spent = () => {
    const { user, system } = process.cpuUsage(began);
    return (user + system) / 1000;
  };
  try {
    return { ...compute(), cpu_milliseconds: spent() };
  } catch (problem) {
    if (!(problem instanceof ExpressionError)) throw problem;
    return { errors: problem.errors, cpu_milliseconds: spent() };
  }
}

const answers = vectors.cases.map(({ text, tree }) =>
  attempt(() => {
    const parsed = parse(text);
    const value = toJson(compile(parsed)(record, world));
    return { tree: parsed, value, checked: tree === undefined ? value : toJson(compile(tree)(record, world)) };
  }),
);
process.stdout.write(JSON.stringify(answers));
