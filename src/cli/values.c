/* Reads them. Refuses to know what is done by them. */
#include "cli/values.h"

#include "cli/cli.h"

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
