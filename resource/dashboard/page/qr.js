// QR codes (ISO/IEC 18004) in byte mode with error correction L and mask 0, of any version.

// By version: the error correction bytes of each block, and the blocks.
const CHECKS = [7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26, 30, 22, 24, 28, 30, 28, 28, 28, 28, 30, 30, 26, 28, ...Array(14).fill(30)];
const BLOCKS = [1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6, 6, 6, 6, 7, 8, 8, 9, 9, 10, 12, 12, 12, 13, 14, 15, 16, 17, 18, 19, 19, 20, 21, 22, 24, 25];
const FORMAT = 0b111011111000100; // L and mask 0
const isMasked = (row, column) => (row + column) % 2 === 0;
const range = (length) => Array.from({ length }, (_, index) => index);

/** Rows of booleans, true for dark; null for a text that is too long. */
export function qrCode(text) {
  const data = new TextEncoder().encode(text);
  const version = range(40).map((index) => index + 1).find((each) => data.length + (each < 10 ? 2 : 3) <= roomOf(each));
  if (!version) return null;
  const { cells, isFixed } = frame(version);
  fill(cells, isFixed, interleaved(padded(data, version), version));
  return cells;
}

function bytesOf(version) {
  const marks = version > 1 ? Math.floor(version / 7) + 2 : 0;
  const bits = (16 * version + 128) * version + 64 - (marks && (25 * marks - 10) * marks - 55) - (version > 6 ? 36 : 0);
  return bits >> 3;
}

const roomOf = (version) => bytesOf(version) - CHECKS[version - 1] * BLOCKS[version - 1];

/** Mode, length, data, end, and what fills the rest. */
function padded(data, version) {
  const length = data.length.toString(2).padStart(version < 10 ? 8 : 16, "0");
  const bits = `0100${length}${[...data].map((byte) => byte.toString(2).padStart(8, "0")).join("")}0000`;
  const bytes = bits.match(/.{8}/g).map((byte) => parseInt(byte, 2));
  return [...bytes, ...range(roomOf(version) - bytes.length).map((index) => (index % 2 ? 0x11 : 0xec))];
}

/** The blocks with their checks, byte by byte in turn. */
function interleaved(data, version) {
  const [count, size, checks] = [BLOCKS[version - 1], Math.floor(roomOf(version) / BLOCKS[version - 1]), CHECKS[version - 1]];
  const short = count - (roomOf(version) % count);
  const blocks = range(count).map((index) => data.slice(index * size + Math.max(0, index - short), (index + 1) * size + Math.max(0, index + 1 - short)));
  const turns = (lists, length) => range(length).flatMap((at) => lists.filter((list) => at < list.length).map((list) => list[at]));
  return [...turns(blocks, size + 1), ...turns(blocks.map((block) => remainder(block, checks)), checks)];
}

function times(a, b) {
  return range(8).reduce((product, bit) => (product << 1) ^ ((product >> 7) * 0x11d) ^ (((b >> (7 - bit)) & 1) * a), 0);
}

/** Reed and Solomon's checks of a block. */
function remainder(block, length) {
  let [divisor, root] = [[...Array(length - 1).fill(0), 1], 1];
  for (let step = 0; step < length; step += 1) {
    divisor = divisor.map((each, index) => times(each, root) ^ (divisor[index + 1] ?? 0));
    root = times(root, 2);
  }
  return block.reduce((rest, byte) => {
    const factor = byte ^ rest[0];
    return divisor.map((each, index) => (rest[index + 1] ?? 0) ^ times(each, factor));
  }, Array(length).fill(0));
}

/** What is the same in all codes of a version, and where it stands. */
function frame(version) {
  const size = version * 4 + 17;
  const [cells, isFixed] = range(2).map(() => range(size).map(() => Array(size).fill(false)));
  const set = (row, column, isDark) => {
    if (!cells[row] || column < 0 || column >= size) return;
    [cells[row][column], isFixed[row][column]] = [isDark, true];
  };
  const square = (row, column, reach, light) => {
    for (let y = -reach; y <= reach; y += 1) for (let x = -reach; x <= reach; x += 1) set(row + y, column + x, !light.includes(Math.max(Math.abs(x), Math.abs(y))));
  };
  for (const at of range(size)) for (const place of [[6, at], [at, 6]]) set(...place, at % 2 === 0);
  const places = alignments(version);
  const last = places.length - 1;
  places.forEach((row, y) => places.forEach((column, x) => (x || y) && (x || y !== last) && (y || x !== last) && square(row, column, 2, [1])));
  for (const place of [[3, 3], [3, size - 4], [size - 4, 3]]) square(...place, 4, [2, 4]);
  range(15).forEach((bit) => {
    const isDark = Boolean((FORMAT >> bit) & 1);
    set(bit < 6 ? bit : bit < 8 ? bit + 1 : size - 15 + bit, 8, isDark);
    set(8, bit < 8 ? size - 1 - bit : bit < 9 ? 7 : 14 - bit, isDark);
  });
  set(size - 8, 8, true);
  if (version > 6) {
    const bits = range(12).reduce((rest) => (rest << 1) ^ ((rest >> 11) * 0x1f25), version) | (version << 12);
    for (const bit of range(18)) {
      const [long, across] = [Math.floor(bit / 3), size - 11 + (bit % 3)];
      for (const place of [[long, across], [across, long]]) set(...place, Boolean((bits >> bit) & 1));
    }
  }
  return { cells, isFixed };
}

function alignments(version) {
  if (version === 1) return [];
  const count = Math.floor(version / 7) + 2;
  const step = Math.floor((version * 8 + count * 3 + 5) / (count * 4 - 4)) * 2;
  return [6, ...range(count - 1).map((index) => version * 4 + 10 - index * step).reverse()];
}

/** The bits, in columns two wide, up and down from the right. */
function fill(cells, isFixed, bytes) {
  const size = cells.length;
  let bit = 0;
  for (let right = size - 1; right > 0; right -= right === 8 ? 3 : 2) {
    const isUp = ((right + (right < 7 ? 1 : 0)) & 2) === 0;
    for (const step of range(size)) {
      const row = isUp ? size - 1 - step : step;
      for (const column of [right, right - 1]) {
        if (isFixed[row][column]) continue;
        cells[row][column] = Boolean((bytes[bit >> 3] >> (7 - (bit & 7))) & 1) !== isMasked(row, column);
        bit += 1;
      }
    }
  }
}
