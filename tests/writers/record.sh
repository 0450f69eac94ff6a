#!/usr/bin/env bash
# Records packages by ordinary tools into the folder `recorded`, where the tests find them: `record.sh`, as root on Linux.
# Needs GNU tar, bsdtar (libarchive), busybox, 7-Zip and Info-ZIP's zip. One package per tool and format.
set -euo pipefail
recorded=$(cd "$(dirname "$0")" && pwd)/recorded
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
rm -rf "$recorded"
mkdir -p "$recorded" "$scratch/tree/info" "$scratch/tree/share/empty" "$scratch/parts"
python=${PYTHON:-python3}

cd "$scratch/tree"
echo '{"name": "demo", "version": "1.0", "build": "h0_0", "build_number": 0, "subdir": "noarch"}' > info/index.json
echo hello > share/a
ln share/a share/b
ln -s a share/link
touch -d '1960-01-01' share/a
echo 'more' > share/café
touch -d '2020-01-01 00:00:00.123456' share/café
chmod 4755 share/café
chown 3000000000:3000000000 share/empty
deep=share/$(printf 'folder/%.0s' {1..30})
mkdir -p "$deep"
echo deep > "$deep/$(printf 'n%.0s' {1..120})"
ln -s "$(printf 't%.0s' {1..150})" share/long-link
ln "$deep"/n* share/deep

# put FILE NAME: a tar archive as a package.
put() {
    mkdir "$recorded/$2"
    bzip2 -9 < "$1" > "$recorded/$2/demo-1.0-h0_0.tar.bz2"
}
# Formats that cannot hold a name leave it out and fail.
for format in v7 oldgnu gnu ustar posix; do
    tar --format=$format -cf "$scratch/x.tar" info share 2> /dev/null || true
    put "$scratch/x.tar" "gnu-tar-$format"
done
tar --format=posix --xattrs --acls --pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime -cf "$scratch/x.tar" info share
put "$scratch/x.tar" gnu-tar-reproducible
tar --format=gnu -cf "$scratch/x.tar" .
put "$scratch/x.tar" gnu-tar-dots
for format in v7 ustar gnutar pax paxr; do
    bsdtar --format=$format -cf "$scratch/x.tar" info share 2> /dev/null || true
    put "$scratch/x.tar" "libarchive-$format"
done
busybox tar -cf "$scratch/x.tar" info share
put "$scratch/x.tar" busybox
for format in gnu posix; do
    rm "$scratch/x.tar"
    7z a -ttar -mm=$format -snl -snh "$scratch/x.tar" info share > /dev/null
    put "$scratch/x.tar" "7-zip-$format"
done

cd "$scratch/parts"
tar -C ../tree -c info | zstd -q > info-demo-1.0-h0_0.tar.zst
tar -C ../tree -c share/a | zstd -q > pkg-demo-1.0-h0_0.tar.zst
echo '{"conda_pkg_format_version": 2}' > metadata.json
parts=(metadata.json pkg-demo-1.0-h0_0.tar.zst info-demo-1.0-h0_0.tar.zst)
# target NAME: the path of a `.conda` package to record.
target() {
    mkdir "$recorded/$1"
    echo "$recorded/$1/demo-1.0-h0_0.conda"
}
zip -q -0 "$(target info-zip)" "${parts[@]}"
zip -q -0 -X -fz "$(target info-zip-zip64)" "${parts[@]}"
zip -q -0 - "${parts[@]}" > "$(target info-zip-stdout)"
zip -q -0 -fd "$(target info-zip-descriptors)" "${parts[@]}"
zip -q -0 -z "$(target info-zip-comment)" "${parts[@]}" <<< comment
7z a -tzip -mx0 "$(target 7-zip-zip)" "${parts[@]}" > /dev/null
7z a -tzip -mx0 -mtc=on -mta=on "$(target 7-zip-zip-times)" "${parts[@]}" > /dev/null
bsdtar --format zip --options zip:compression=store -cf "$(target libarchive-zip)" "${parts[@]}"
bsdtar --format zip --options zip:compression=store,zip:zip64 -cf "$(target libarchive-zip64)" "${parts[@]}"
"$python" - "$(target zipfile-zip64)" "${parts[@]}" << 'END'
import pathlib, sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as archive:
    for name in sys.argv[2:]:
        with archive.open(name, "w", force_zip64=True) as member:
            member.write(pathlib.Path(name).read_bytes())
END
