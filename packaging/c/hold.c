/*
 * Holds a vCPU's clock at a frequency until its standard input ends: what a program does with libvmpower.h.
 *
 *     cc -o hold hold.c
 *     ./hold /dev/virtio-ports/virtio.serial.port.poweragent.0 0 2200000 </dev/tty
 *
 * Claims have a lease, so that the host takes them back when this program is killed.
 */
#include "libvmpower.h"
#include <stdlib.h>

enum { TIMEOUT_MS = 1000, LEASE_S = 10 };

static int claim(struct vmpower *port, uint32_t vcpu, uint32_t khz)
{
	struct vmpower_claim_answer got;
	int no = vmpower_hello(port, vcpu, LEASE_S, NULL, TIMEOUT_MS);

	if (no == -ETIMEDOUT) {
		printf("This host takes no frequencies in kHz: asking for its highest.\n");
		return vmpower_scale(port, vcpu, VMPOWER_MAX, NULL, TIMEOUT_MS);
	}
	if (no == 0)
		no = vmpower_set_khz(port, vcpu, khz, 0, &got, TIMEOUT_MS);
	if (no == 0)
		printf("vCPU %u: %u kHz, its clock %u kHz\n", vcpu, got.wish_khz, got.target_khz);
	return no;
}

/*
 * Renews the lease, and claims again where the host was restarted or the lease ran out, as while the VM was paused. A
 * host that is away is asked again the next time.
 */
static int keep(struct vmpower *port, uint32_t vcpu, uint32_t khz, uint32_t *lapses)
{
	struct vmpower_ping_answer pong;
	int no = vmpower_ping(port, vcpu, &pong, TIMEOUT_MS);

	if (no == VMPOWER_E_NO_HELLO) {
		*lapses = 0;
		return claim(port, vcpu, khz);
	}
	if (no == -ENOTCONN || no == -ETIMEDOUT)
		return 0;
	if (no != 0 || pong.lapses == *lapses)
		return no;
	*lapses = pong.lapses;
	return vmpower_set_khz(port, vcpu, khz, 0, NULL, TIMEOUT_MS);
}

/* Reads standard input; returns whether it has ended. Without any within a third of the lease it has not. */
static int ended(void)
{
	struct pollfd in = { STDIN_FILENO, POLLIN, 0 };
	char word[64];

	return poll(&in, 1, LEASE_S * 1000 / 3) > 0 && read(STDIN_FILENO, word, sizeof(word)) <= 0;
}

int main(int argc, char **argv)
{
	struct vmpower port;
	struct vmpower_state_answer state;
	uint32_t vcpu, khz, lapses = 0;
	int no;

	if (argc != 4) {
		fprintf(stderr, "usage: %s PORT VCPU KHZ\n", argv[0]);
		return 2;
	}
	vcpu = (uint32_t)strtoul(argv[2], NULL, 10);
	khz = (uint32_t)strtoul(argv[3], NULL, 10);
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);

	no = vmpower_open(&port, argv[1], "", TIMEOUT_MS);
	if (no == 0)
		no = claim(&port, vcpu, khz);
	if (no == 0 && vmpower_state(&port, vcpu, &state, TIMEOUT_MS) == 0)
		printf("It may have %u to %u kHz.\n", state.floor_khz, state.ceiling_khz);
	while (no == 0 && !ended())
		if (port.version > 0)
			no = keep(&port, vcpu, khz, &lapses);
	if (no == 0)
		no = port.version > 0 ? vmpower_release(&port, vcpu, 0, NULL, TIMEOUT_MS) : 0;
	if (no != 0)
		fprintf(stderr, "%s: %s\n", argv[1], vmpower_why(&port, no));
	vmpower_close(&port);
	return no == 0 ? 0 : 1;
}
