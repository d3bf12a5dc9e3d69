/* What a server wants to be there before it starts, besides key and certificate. */
#ifndef BM_LAB_PREPARE_H
#define BM_LAB_PREPARE_H

#include "lab/stacks.h"

/* Removes leftovers and runs the stack's commands. False: a sentence in problem. */
bool lab_prepare(const struct lab_stack *s, const struct lab_setup *setup, char *problem, size_t n);

#endif
