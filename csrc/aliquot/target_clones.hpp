// The one macro: a function built for several instruction sets, of which one is chosen when the module is loaded. Its
// results must not depend on the choice: integers, single IEEE operations. Not under sanitizers, which must be running
// before the choice is made.
#pragma once

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
#define ALIQUOT_TARGET_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define ALIQUOT_TARGET_CLONES
#endif
