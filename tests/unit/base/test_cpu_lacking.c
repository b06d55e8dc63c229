/* SPDX-License-Identifier: BSD-3-Clause */
/* Must end with a failure: see meson.build. */
int main(void)
{
    return 0;
}
