#!/usr/bin/env bash
# Fetches the dashboard's libraries from npm into resource/dashboard/vendor and writes
# what they are into vendored.txt there. To update: change a version in the table, run this, look
# at the difference. Needs npm; who runs RedLog does not.
set -euo pipefail
cd "$(dirname "$0")/.."
vendor=resource/dashboard/vendor
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# package, version, file in the package, file here
table="
preact                      11.2.0 dist/preact.mjs                                $vendor/preact.js
preact                      11.2.0 hooks/dist/hooks.mjs                           $vendor/preact-hooks.js
@preact/signals-core        1.14.5 dist/signals-core.mjs                          $vendor/signals-core.js
@preact/signals             2.11.4 dist/signals.mjs                               $vendor/signals.js
htm                         3.1.1  dist/htm.mjs                                   $vendor/htm.js
uplot                       1.6.32 dist/uPlot.iife.min.js                         $vendor/uplot.js
uplot                       1.6.32 dist/uPlot.min.css                             $vendor/uplot.css
axe-core                    4.14.1 axe.min.js                                     test_case/data/axe.min.js
"

# Browsers find modules by path, not by name; uPlot's small build is a script, no module.
as_module() {
    case $1 in
    */uplot.js) sed -e '$a export default uPlot;' ;;
    *.js) sed -e '/^\/\/# sourceMappingURL=/d' \
        -e 's#from"preact/hooks"#from"./preact-hooks.js"#g' \
        -e 's#from"preact"#from"./preact.js"#g' \
        -e 's#from"@preact/signals-core"#from"./signals-core.js"#g' ;;
    *) cat ;;
    esac
}

mkdir -p "$vendor"
: >"$vendor/LICENSES.txt"
echo "# file package version licence sha256; written by deploy/vendor.sh" >"$vendor/vendored.txt"
while read -r package version source target; do
    [[ -n $package ]] || continue
    folder=$work/$package
    if [[ ! -d $folder ]]; then
        mkdir -p "$folder"
        packed=$(npm pack --silent --pack-destination "$folder" "$package@$version")
        tar -xzf "$folder/${packed##*/}" -C "$folder"
        printf '%s %s\n\n%s\n\n' "$package" "$version" "$(cat "$folder/package/LICENSE")" >>"$vendor/LICENSES.txt"
    fi
    if [[ $target == test_case/* ]]; then cp "$folder/package/$source" "$target"; else
        as_module "$target" <"$folder/package/$source" >"$target"
    fi
    licence=$(sed -n 's/^ *"license": *"\(.*\)".*/\1/p' "$folder/package/package.json" | head -n 1)
    hash=$(sha256sum "$target")
    echo "$target $package $version $licence ${hash%% *}" >>"$vendor/vendored.txt"
done <<<"$table"
