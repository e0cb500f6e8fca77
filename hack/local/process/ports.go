package process

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/gofrs/flock"
)

// Ports are handed out below the range that operating systems use for outgoing connections (32768 and up on Linux), so that
// no connection takes a port between its choice and the start of the server.
const (
	firstPort = 20000
	lastPort  = 32000
)

// portLocks is the folder, below the user's cache, with a lock for each port that a living process has given away. The files
// stay: removing one would let two processes lock two files of one name.
const portLocks = "app-upgrade-operator/ports"

// handedOut are the locks of this process, by port, kept until it ends.
var handedOut sync.Map

// FreeAddress returns a loopback address host:port on which nothing listens, each one only once in the life of this process,
// and none that another process of this kind has got: tests start environments side by side.
func FreeAddress() (string, error) {
	const attempts = 200
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the user's cache: %w", err)
	}
	dir := filepath.Join(cache, portLocks)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make room for port locks: %w", err)
	}
	for range attempts {
		port := firstPort + rand.IntN(lastPort-firstPort)
		lock := flock.New(filepath.Join(dir, strconv.Itoa(port)))
		if _, taken := handedOut.LoadOrStore(port, lock); taken {
			continue
		}
		if free, err := lock.TryLock(); err != nil || !free {
			handedOut.Delete(port)
			continue
		}
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		listener, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		return address, listener.Close()
	}
	return "", errors.New("found no free port on 127.0.0.1; are there servers left over from something else?")
}

// FreeAddresses returns n different addresses as FreeAddress does.
func FreeAddresses(n int) ([]string, error) {
	addresses := make([]string, n)
	for i := range addresses {
		address, err := FreeAddress()
		if err != nil {
			return nil, err
		}
		addresses[i] = address
	}
	return addresses, nil
}

// HTTPReady returns a ready check that succeeds when url answers with one of the wanted status codes.
func HTTPReady(client *http.Client, url string, want ...int) func(context.Context) error {
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close() //nolint:errcheck // nothing is read from it
		for _, code := range want {
			if response.StatusCode == code {
				return nil
			}
		}
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
}
