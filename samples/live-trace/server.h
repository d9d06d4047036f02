/* A key-value server on a TCP port of this machine, and what it speaks. */
#ifndef SERVER_H
#define SERVER_H

enum { KEYS = 1024, DATA = 48 };
enum op { OP_PUT, OP_GET, OP_SUM };
enum status { ST_OK, ST_NO_KEY, ST_REFUSED };

struct request {
	unsigned op, client, key;
	unsigned n; /* bytes of data */
	unsigned char data[DATA];
};

struct reply {
	int status;
	unsigned sum;
	unsigned n;
	unsigned char data[DATA];
};

struct store;

/* Requests of one client come one after the other; each has one reply. */
int server_start(int workers); /* returns the port */
void server_stop(void);	       /* when all clients have hung up */

#endif
