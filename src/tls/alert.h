/* Names of alerts, as the TLS specifications have them. */
#ifndef BM_TLS_ALERT_H
#define BM_TLS_ALERT_H

const char *bm_alert_name(unsigned description); /* "bad_record_mac"; NULL: unassigned */
const char *bm_alert_level(unsigned level);      /* "warning", "fatal", NULL */

#endif
