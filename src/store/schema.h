/* The tables of a store (docs/STORE.md). */
#ifndef BM_STORE_SCHEMA_H
#define BM_STORE_SCHEMA_H

enum {
	BM_STORE_APPLICATION = 0x624d4143, /* "bMAC", PRAGMA application_id */
	BM_STORE_SCHEMA = 1                /* PRAGMA user_version */
};

/* Makes them in an empty database. */
extern const char bm_store_schema[];
/* Gives a store of the same schema the indexes that one made now has. */
extern const char bm_store_indexes[];

#endif
