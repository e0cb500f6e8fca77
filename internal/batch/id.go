package batch

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"
)

// NewID is a batch id that was never used: the time, and random bits for two leaders in one millisecond. It is a label
// value, and sorts by time.
func NewID(now time.Time, random uint32) string {
	return fmt.Sprintf("b%s-%07x", strconv.FormatInt(now.UnixMilli(), 36), random&0xfffffff)
}

// ownID is the id of a batch that this process prepares. It tells whose batch it is: only the process that prepared a batch
// adds to it, takes from it, and arms it, so that none of this happens while another process lets Flux write it.
func ownID(o Observation) string { return o.NewID + ownSuffix(o) }

func owns(o Observation, id string) bool { return strings.HasSuffix(id, ownSuffix(o)) }

func ownSuffix(o Observation) string {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(o.Leader)) // never fails
	return fmt.Sprintf("-%08x", hash.Sum32())
}

// startedAt is the time in an id; the zero time if there is none.
func startedAt(id string) time.Time {
	stamp, _, _ := strings.Cut(strings.TrimPrefix(id, "b"), "-")
	ms, err := strconv.ParseInt(stamp, 36, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// asks is how often a batch's run was asked for again, from its token.
func asks(token string) int {
	_, n, ok := strings.Cut(token, ".ask")
	if !ok {
		return 0
	}
	count, _ := strconv.Atoi(n) // what is no number was not set by us, and counts as none
	return count
}
