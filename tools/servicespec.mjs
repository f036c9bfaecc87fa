// Prints, as JSON, what @aws-cdk/aws-service-spec knows of the CloudFormation types that are named as arguments, or of
// all with --all: the properties of each with their types, which are required, which values they take, and whether a
// change of them replaces the resource. The package holds data that AWS publishes for its CDK. Package
// plan/internal/cfn reads what is printed here, and tools/install installs the package.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { loadAwsServiceSpecSync } from "@aws-cdk/aws-service-spec";

const spec = loadAwsServiceSpecSync();
const definitions = {};

// describe follows references into definitions, which may refer to themselves.
function describe(type) {
  switch (type.type) {
    case "array":
    case "map":
      return { type: type.type, element: describe(type.element) };
    case "union":
      return { type: "union", types: type.types.map(describe) };
    case "ref": {
      const id = type.reference.$ref;
      if (!definitions[id]) {
        const definition = spec.get("typeDefinition", id);
        definitions[id] = { name: definition.name };
        definitions[id].properties = properties(definition.properties);
      }
      return { type: "ref", ref: id };
    }
    default:
      return { type: type.type, values: type.allowedValues };
  }
}

function properties(all) {
  return Object.fromEntries(
    Object.entries(all).map(([name, p]) => [
      name,
      {
        ...describe(p.type),
        required: p.required,
        replaces: p.causesReplacement,
        documented: name === "Key" ? undefined : documented(p.documentation ?? ""),
        keys: name === "Key" ? keys(p.documentation ?? "") : undefined,
      },
    ]),
  );
}

// documented takes from a text which values it allows, where it says so once and plainly: "Valid values: `a` | `b`",
// "The range is 1-10". A text that says it for several engines or protocols is left alone.
function documented(text) {
  const ranges = [...text.matchAll(/(?:range is|value) (?:from )?`?(\d+)`?(?:-|–| to )`?(\d+)\b/g)];
  const lists = [...text.matchAll(/(?:valid|possible|allowed) values?\*?(?: for the attribute)?(?: include| are)? ?:?\s*((?:`[^`\n]+`|[ ,|]|and|or)+)(.?)/gi)];
  const value = [...text.matchAll(/The value is ((?:`[^`\n]+`|[ ,]|or)+)(\.)/g)];
  const found = {};
  if (ranges.length === 1 && lists.length === 0) [found.least, found.most] = ranges[0].slice(1).map(Number);
  const list = [...lists, ...value];
  if (list.length === 1 && ranges.length === 0 && (list[0][2] === "" || list[0][2] === ".")) {
    const values = [...list[0][1].matchAll(/`([^`]+)`/g)].flatMap((m) => m[1].split("|").map((v) => v.trim()));
    if (values.length > 1 && values.every((v) => /^[A-Za-z0-9_.-]+$/.test(v) && !/^\d+-\d+$/.test(v))) found.values = values;
  }
  return Object.keys(found).length > 0 ? found : undefined;
}

// keys are the attributes of a list of keys and values, which only its documentation names: "-
// `idle_timeout.timeout_seconds` - …".
function keys(text) {
  const found = [...text.matchAll(/^- `([a-z0-9_]+(?:\.[a-z0-9_]+)+)` - (.*)$/gm)];
  return found.length > 0 ? Object.fromEntries(found.map(([, key, says]) => [key, documented(says) ?? {}])) : undefined;
}

const types = {};
const named = process.argv.slice(2);
const wanted = named[0] === "--all" ? spec.all("resource").map((r) => r.cloudFormationType) : named;
for (const name of wanted) {
  const [resource] = spec.lookup("resource", "cloudFormationType", "equals", name);
  if (!resource) {
    console.error(`there is no resource type ${name}`);
    process.exitCode = 1;
    continue;
  }
  types[name] = { name, properties: properties(resource.properties) };
}

const manifest = createRequire(import.meta.url).resolve("@aws-cdk/aws-service-spec/package.json");
const { version } = JSON.parse(readFileSync(manifest, "utf8"));
process.stdout.write(JSON.stringify({ version, resources: spec.all("resource").length, types, definitions }));
