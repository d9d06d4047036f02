/* See server.h. Nothing in it knows of BPF but the word KILN_HOOKABLE. */
#include "server.h"

#include <arpa/inet.h>
#include <kiln/hook.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_WORKERS = 16 };

struct store {
	pthread_mutex_t lock;
	struct {
		unsigned n;
		unsigned char data[DATA];
	} entry[KEYS];
};

static struct store store = {.lock = PTHREAD_MUTEX_INITIALIZER};
static pthread_t worker[MAX_WORKERS];
static int nworkers, listener;

/* The mistake: the last byte does not count. */
KILN_HOOKABLE unsigned checksum(const unsigned char *data, unsigned n)
{
	unsigned sum = 0;

	for (unsigned i = 0; i + 1 < n; i++)
		sum = sum * 31 + data[i];
	return sum;
}

KILN_HOOKABLE int handle(
	struct store *s, const struct request *req, struct reply *rep)
{
	int status = ST_OK;

	if (req->key >= KEYS || req->n > DATA)
		return ST_NO_KEY;
	pthread_mutex_lock(&s->lock);
	if (req->op == OP_PUT) {
		s->entry[req->key].n = req->n;
		memcpy(s->entry[req->key].data, req->data, req->n);
	} else {
		rep->n = s->entry[req->key].n;
		memcpy(rep->data, s->entry[req->key].data, rep->n);
		status = rep->n ? ST_OK : ST_NO_KEY;
	}
	pthread_mutex_unlock(&s->lock);
	if (req->op == OP_SUM)
		rep->sum = checksum(rep->data, rep->n);
	return status;
}

static bool receive(int fd, void *buf, size_t n)
{
	return recv(fd, buf, n, MSG_WAITALL) == (ssize_t)n;
}

static void serve(int fd)
{
	struct request req;

	while (receive(fd, &req, sizeof(req))) {
		struct reply rep = {0};

		rep.status = handle(&store, &req, &rep);
		if (send(fd, &rep, sizeof(rep), MSG_NOSIGNAL) < 0)
			break;
	}
	close(fd);
}

static void *work(void *arg)
{
	int fd;

	while ((fd = accept(listener, NULL, NULL)) >= 0)
		serve(fd);
	return arg;
}

int server_start(int workers)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(a);

	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (workers > MAX_WORKERS || listener < 0 ||
		bind(listener, (struct sockaddr *)&a, size) ||
		listen(listener, workers) ||
		getsockname(listener, (struct sockaddr *)&a, &size)) {
		perror("server");
		exit(EXIT_FAILURE);
	}
	for (nworkers = 0; nworkers < workers; nworkers++)
		pthread_create(&worker[nworkers], NULL, work, NULL);
	return ntohs(a.sin_port);
}

void server_stop(void)
{
	shutdown(listener, SHUT_RDWR);
	for (int k = 0; k < nworkers; k++)
		pthread_join(worker[k], NULL);
	close(listener);
}
