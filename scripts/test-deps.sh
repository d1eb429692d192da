#!/bin/sh
# Look for the programs that tests run and for the account of the
# ordinary-user leg. As root, install and create what is missing; otherwise
# name it. A missing program is no error: tests that need it say
# "not exercised". With everything there, this takes a few milliseconds.
#
# CARREL_NO_INSTALL=1 changes nothing on the machine, whoever runs it.
set -eu

account=carrel-test

# program package: what tests run, and the Debian package that brings it.
# Programs are only looked for in the system's directories, because that is all
# that a sandbox shows of the host.
wanted='
newuidmap uidmap
newgidmap uidmap
setpriv util-linux
unshare util-linux
bwrap bubblewrap
strace strace
busybox busybox-static
debootstrap debootstrap
gcc gcc
g++ g++
make make
git git
bash bash
perl perl-base
python3 python3
node nodejs
sqlite3 sqlite3
tar tar
vim vim
ssh-keygen openssh-client
ps procps
ip iproute2
'
directories='/usr/local/sbin /usr/local/bin /usr/sbin /usr/bin /sbin /bin'

find_program() {
	for directory in $directories; do
		if [ -x "$directory/$1" ]; then return 0; fi
	done
	return 1
}

# missing prints "program package" for each program that is not there.
missing() {
	echo "$wanted" | while read -r program package; do
		if [ -n "$program" ] && ! find_program "$program"; then echo "$program $package"; fi
	done
}

may_change=no
if [ "$(id -u)" = 0 ] && [ -z "${CARREL_NO_INSTALL:-}" ]; then may_change=yes; fi

absent=$(missing)
if [ -n "$absent" ] && [ "$may_change" = yes ] && command -v apt-get >/dev/null 2>&1; then
	packages=$(echo "$absent" | cut -d' ' -f2 | sort -u)
	echo "installing" $packages
	export DEBIAN_FRONTEND=noninteractive
	log=$(mktemp)
	if ! apt-get update -qq </dev/null >"$log" 2>&1; then tail -n 3 "$log" >&2; fi
	# One at a time when all at once fails: one unknown name must not cost the others.
	# shellcheck disable=SC2086 # a list of package names
	if ! apt-get install -y -qq --no-install-recommends $packages </dev/null >"$log" 2>&1; then
		for package in $packages; do
			apt-get install -y -qq --no-install-recommends "$package" </dev/null >"$log" 2>&1 || tail -n 3 "$log" >&2
		done
	fi
	rm -f "$log"
	absent=$(missing)
fi
if [ -n "$absent" ]; then
	echo "$absent" | while read -r program package; do
		echo "not exercised: tests that need $program (package $package)"
	done
fi

# The account needs a range of subordinate ids: newuidmap(1) maps them.
next_free() {
	awk -F: 'BEGIN { top = 100000 } { end = $2 + $3; if (end > top) top = end } END { print top }' "$1" 2>/dev/null || echo 100000
}

if [ "$may_change" = yes ]; then
	if ! id "$account" >/dev/null 2>&1; then
		useradd --create-home --shell /bin/sh "$account"
	fi
	touch /etc/subuid /etc/subgid
	if ! grep -q "^$account:" /etc/subuid; then
		first=$(next_free /etc/subuid)
		usermod --add-subuids "$first-$((first + 65535))" "$account"
	fi
	if ! grep -q "^$account:" /etc/subgid; then
		first=$(next_free /etc/subgid)
		usermod --add-subgids "$first-$((first + 65535))" "$account"
	fi
elif [ "$(id -u)" = 0 ] && ! id "$account" >/dev/null 2>&1; then
	echo "the ordinary-user leg will fail: account $account does not exist and may not be created" >&2
elif [ "$(id -u)" != 0 ] && ! grep -q "^$(id -un):" /etc/subuid 2>/dev/null; then
	echo "not exercised: maps of many ids ($(id -un) has no range in /etc/subuid)"
fi
