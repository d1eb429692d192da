#!/bin/sh
# fuzz.sh TIME: run every fuzz target of the repository for that long each.
# Ends at the first target that finds something; the go command has then
# written the input to testdata/fuzz of its package.
set -eu
limit=${1:-30s}
GO=${GO:-go}
count=0
for package in $("$GO" list ./...); do
	for target in $("$GO" test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
		echo "== $package $target for $limit"
		"$GO" test -run '^$' -fuzz "^$target\$" -fuzztime "$limit" "$package"
		count=$((count + 1))
	done
done
if [ "$count" -eq 0 ]; then
	echo "no fuzz target found" >&2
	exit 1
fi
echo "$count fuzz targets, $limit each"
