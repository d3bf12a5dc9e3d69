/* Reads them. Refuses to know what is done by them. */
#include "cli/values.h"

#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

bool
value_refused(const char *command, const char *option, const char *value, const char *wanted)
{
	say_usage(command, "--%s %s: %s", option, value, wanted);
	return false;
}

bool
value_format(const char *command, const char *value, bool *json)
{
	*json = strcmp(value, "json") == 0;
	return *json || strcmp(value, "text") == 0 ||
		   value_refused(command, "format", value, "must be text or json");
}

bool
value_output(const char *command, const char *value, const char **path)
{
	*path = strcmp(value, "-") == 0 ? NULL : value;
	return value[0] != '\0' ||
		   value_refused(command, "output", value, "must be the name of a file");
}

bool
value_color(const char *command, const char *value, int *color)
{
	*color = strcmp(value, "always") == 0 ? 1 : strcmp(value, "never") == 0 ? 0 : -1;
	return *color >= 0 || strcmp(value, "auto") == 0 ||
		   value_refused(command, "color", value, "must be auto, always or never");
}

bool
value_redact(const char *command, const char *value, enum badmac_redact *level)
{
	*level = strcmp(value, "addresses") == 0 ? BADMAC_REDACT_ADDRESSES
			 : strcmp(value, "all") == 0     ? BADMAC_REDACT_ALL
											 : BADMAC_REDACT_NOTHING;
	return *level != BADMAC_REDACT_NOTHING ||
		   value_refused(command, "redact", value, "must be addresses or all");
}

double
value_decimal(const char *value)
{
	size_t whole = strspn(value, "0123456789");
	size_t n = whole;

	if (value[n] == '.')
		n += 1 + strspn(value + n + 1, "0123456789");
	return whole != 0 && value[n] == '\0' && n < 64 ? strtod(value, NULL) : -1;
}

bool
value_watch(const char *command, const char *value, double *seconds)
{
	*seconds = value_decimal(value);
	return (*seconds >= 0.1 && *seconds <= 2678400) ||
		   value_refused(command, "watch", value, "must be 0.1 to 2678400 seconds");
}
