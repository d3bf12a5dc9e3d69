/* Has badmac itself diagnose captures, in a process of its own. */
#ifndef BM_LAB_DIAGNOSE_H
#define BM_LAB_DIAGNOSE_H

#include "lab/base.h"

#include <jansson.h>

/* captures ends with NULL. report becomes what it wrote, or NULL: then problem says why (it
 * crashed, took longer than limit_ms, wrote no JSON). json: where the report goes. */
void lab_diagnose(const char *const captures[], const char *json, unsigned limit_ms,
	json_t **report, int *status, char *problem, size_t n);

#endif
