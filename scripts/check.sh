#!/bin/sh
# Types, lint, format and generated files, the types beside the rest: two processors have enough to do.
# Fails if any of them fails; what each says is printed whole, one after the other.
set -u

said=$(mktemp)
trap 'rm -f "$said"' EXIT
npm run -s typecheck >"$said" 2>&1 &
types=$!

failed=0
for step in lint format:check generate:check; do
  npm run -s "$step" || failed=1
done
wait "$types" || failed=1
cat "$said"
exit "$failed"
