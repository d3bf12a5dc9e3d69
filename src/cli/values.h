/* Values of options that several commands have. */
#ifndef BM_CLI_VALUES_H
#define BM_CLI_VALUES_H

#include "badmac.h"

#include <stdbool.h>

/* False: it has been said, as that command's bad usage, what the value cannot be. */
bool value_refused(const char *command, const char *option, const char *value, const char *wanted);
/* text or json. */
bool value_format(const char *command, const char *value, bool *json);
/* A file; *path is NULL for standard output. */
bool value_output(const char *command, const char *value, const char **path);
/* 12, 0.5: digits with at most one point, nothing else; below 0 for what is no such number. */
double value_decimal(const char *value);
/* How long to watch: 0.1 to 2678400 seconds (31 days), digits with at most one point. */
bool value_watch(const char *command, const char *value, double *seconds);
/* addresses or all. */
bool value_redact(const char *command, const char *value, enum badmac_redact *level);
/* 1 always, 0 never, -1 as the output is. */
bool value_color(const char *command, const char *value, int *color);

#endif
