# SPDX-License-Identifier: MIT
"""The source of a program with many markers, for the bench that switches them."""
import sys

sites = int(sys.argv[1])
print('/* Made by bench/markers/toggled.py */\n#include <cairn/marker.h>\n#include <pthread.h>')
for i in range(sites):
    print(f"static void site_{i}(long n) {{ CAIRN_MARK(many, m{i}, CAIRN_INT(n, n)); }}")
print("static void *run(void *p)\n{\n\tfor (long n = 0;; n++) {")
for i in range(sites):
    print(f"\t\tsite_{i}(n);")
print("\t}\n\treturn p;\n}\nint main(void)\n{\n\tpthread_t t[4];")
print("\tfor (int i = 0; i < 4; i++)\n\t\tpthread_create(&t[i], 0, run, 0);")
print("\tpthread_join(t[0], 0);\n\treturn 0;\n}")
