// Writes a config file: tables, arrays of tables, and plain values.

const isTable = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const isTables = (value) => Array.isArray(value) && value.length > 0 && value.every(isTable);

function plain(value) {
  if (Array.isArray(value)) return `[${value.map(plain).join(', ')}]`;
  if (isTable(value)) {
    return `{ ${Object.entries(value).map(([key, inner]) => `${key} = ${plain(inner)}`).join(', ')} }`;
  }
  return JSON.stringify(value);
}

export function toml(config, path = []) {
  const entries = Object.entries(config).filter(([, value]) => value !== undefined);
  const isInner = ([, value]) => (isTable(value) || isTables(value)) && path.length < 2;
  let text = '';
  for (const [key, value] of entries.filter((entry) => !isInner(entry))) text += `${key} = ${plain(value)}\n`;
  for (const [key, value] of entries.filter(isInner)) {
    const name = [...path, key].join('.');
    if (isTables(value)) {
      for (const table of value) text += `\n[[${name}]]\n${Object.entries(table).map(([k, v]) => `${k} = ${plain(v)}\n`).join('')}`;
    } else {
      text += `\n[${name}]\n${toml(value, [...path, key])}`;
    }
  }
  return text;
}
