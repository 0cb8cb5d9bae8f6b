"""Samples as perf prints them, read and counted."""

from loadtests import profiling

SCRIPT = """\
        ffffffff81a2b3c4 tcp_sendmsg+0x24 ([kernel.kallsyms])
        ffffffff81a2b3c5 do_syscall_64+0x5b ([kernel.kallsyms])
            7f1a2b3c4d5e __libc_send+0x1e (/usr/lib/x86_64-linux-gnu/libc.so.6)

            7f1a2b3c4d5f scan(char const*, unsigned long)+0x10 (/srv/gateway/dataplane/http1.so)

            55d0a1b2c3d4 [unknown] (/usr/sbin/nginx)

        ffffffff81a2b3c6 tcp_sendmsg+0x30 ([kernel.kallsyms])
"""


def test_each_sample_is_its_frames_from_the_innermost():
    assert list(profiling.stacks_of(SCRIPT)) == [
        ("tcp_sendmsg_[k]", "do_syscall_64_[k]", "__libc_send"),
        ("scan(char const*, unsigned long)",),
        ("[nginx]",),
        ("tcp_sendmsg_[k]",),
    ]


def test_kernel_and_user_symbols_are_counted_apart():
    stacks = list(profiling.stacks_of(SCRIPT))
    assert profiling.top_symbols(stacks, kernel=True, most=5) == [("tcp_sendmsg_[k]", 2)]
    assert dict(profiling.top_symbols(stacks, kernel=False, most=5)) == {
        "scan(char const*, unsigned long)": 1, "[nginx]": 1}


def test_folded_stacks_begin_with_the_outermost_frame():
    assert "__libc_send;do_syscall_64_[k];tcp_sendmsg_[k] 1\n" in profiling.folded(profiling.stacks_of(SCRIPT))
