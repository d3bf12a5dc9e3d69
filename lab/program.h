/* Where programs are. */
#ifndef BM_LAB_PROGRAM_H
#define BM_LAB_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

/* The path of a program: one of the lab's own (badmac-lab-...) lies where badmac's libexec folder
 * is, or beside the lab in a build; one with a slash in its name is where that says; all
 * others are looked for in PATH. False: it is not there. */
bool lab_program(const char *name, char *out, size_t n);
bool lab_is_installed(const char *name);

#endif
