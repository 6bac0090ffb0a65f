// http_load SOCKET CONNECTIONS SECONDS METHOD PATH: keep-alive HTTP/1.1 over a Unix socket, one request at a time on each
// connection. Prints requests/s, and p50 and p99 in ms. Used by api.ts: a client in JavaScript would be slower than what
// it measures.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { connections_max = 1024, answers_max = 4000000, answer_bytes_max = 65536 };
struct connection { int fd, length; double asked; char answer[answer_bytes_max]; };
static struct connection connections[connections_max];
static float spans[answers_max];

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static int by_size(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

static void fail(const char *why) { fprintf(stderr, "http_load: %s\n", why); exit(1); }

// Whether the answer is here whole.
static int complete(struct connection *c) {
  c->answer[c->length] = 0;
  char *body = strstr(c->answer, "\r\n\r\n");
  if (body == NULL) return 0;
  char *length = strcasestr(c->answer, "content-length:");
  if (length == NULL || length > body) return strstr(body, "\r\n0\r\n\r\n") != NULL;
  return c->length - (body + 4 - c->answer) >= atoi(length + 15);
}

int main(int count, char **args) {
  if (count != 6) fail("SOCKET CONNECTIONS SECONDS METHOD PATH");
  int n = atoi(args[2]), poll = epoll_create1(0);
  if (n < 1 || n > connections_max) fail("too many connections");
  char request[1024];
  int bytes = snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: nerve\r\n%s\r\n", args[4], args[5],
                       strcmp(args[4], "POST") == 0 ? "Content-Length: 0\r\n" : "");
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  strncpy(to.sun_path, args[1], sizeof to.sun_path - 1);
  double from = now(), until = from + atof(args[3]);
  for (int i = 0; i < n; i++) {
    struct connection *c = &connections[i];
    struct epoll_event ready = {EPOLLIN, {.ptr = c}};
    c->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0) fail("cannot connect");
    epoll_ctl(poll, EPOLL_CTL_ADD, c->fd, &ready);
    c->asked = now();
    if (write(c->fd, request, bytes) != bytes) fail("cannot write");
  }
  long answers = 0;
  while (now() < until) {
    struct epoll_event ready[64];
    int waiting = epoll_wait(poll, ready, 64, 100);
    for (int i = 0; i < waiting; i++) {
      struct connection *c = ready[i].data.ptr;
      int got = read(c->fd, c->answer + c->length, answer_bytes_max - 1 - c->length);
      if (got <= 0) fail("the connection was closed");
      c->length += got;
      if (!complete(c)) continue;
      if (strncmp(c->answer + 9, "200", 3) != 0) fail(c->answer);
      double at = now();
      if (answers < answers_max) spans[answers++] = at - c->asked;
      c->length = 0;
      c->asked = at;
      if (write(c->fd, request, bytes) != bytes) fail("cannot write");
    }
  }
  if (answers == 0) fail("no answer");
  double took = now() - from;
  qsort(spans, answers, sizeof *spans, by_size);
  printf("%.1f %.4f %.4f\n", answers / took, spans[answers / 2] * 1e3, spans[(long)(answers * 0.99)] * 1e3);
  return 0;
}
