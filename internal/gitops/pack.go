package gitops

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

// errPackBomb is for packs that go-git could only index with much more memory than they have bytes: it unpacks every
// object in memory, and believes the sizes that the pack states.
var errPackBomb = errors.New("what is packed would not fit the memory")

// inflation is how many times its own limit a pack may unpack to. Text gets three to five times smaller in a pack.
const inflation = 4

// packLimits bound what a pack may unpack to.
type packLimits struct {
	// objects counts the objects, object and total are bytes of one and of all.
	objects       uint32
	object, total int64
}

// check reads a whole pack, in little memory, and refuses one that states more than the limits.
func (l packLimits) check(pack io.Reader) error {
	scanner := packfile.NewScanner(pack)
	_, objects, err := scanner.Header()
	if err != nil {
		return err
	}
	if objects > l.objects {
		return fmt.Errorf("%w: %d objects, at most %d", errPackBomb, objects, l.objects)
	}
	left := l.total
	for range objects {
		size, err := l.next(scanner)
		if err != nil {
			return err
		}
		if left -= size; left < 0 {
			return fmt.Errorf("%w: the objects have more than %d bytes", errPackBomb, l.total)
		}
	}
	return nil
}

// next reads one object and gives its unpacked size, which for a delta includes the delta's own.
func (l packLimits) next(scanner *packfile.Scanner) (int64, error) {
	header, err := scanner.NextObjectHeader()
	if err != nil {
		return 0, err
	}
	if err := l.checkObject(header.Length); err != nil {
		return 0, err
	}
	var start prefix
	if _, _, err := scanner.NextObject(&start); err != nil {
		return 0, err
	}
	if !header.Type.IsDelta() {
		return header.Length, nil
	}
	target, err := start.targetSize()
	if err != nil {
		return 0, err
	}
	return header.Length + target, l.checkObject(target)
}

func (l packLimits) checkObject(size int64) error {
	if size < 0 || size > l.object {
		return fmt.Errorf("%w: an object of %d bytes, at most %d", errPackBomb, size, l.object)
	}
	return nil
}

// prefix keeps the first bytes that are written to it, as many as two sizes can have.
type prefix struct {
	bytes [2 * binary.MaxVarintLen64]byte
	n     int
}

func (p *prefix) Write(b []byte) (int, error) {
	p.n += copy(p.bytes[p.n:], b)
	return len(b), nil
}

// targetSize is the size of what a delta makes: the second of the two numbers that it begins with.
func (p *prefix) targetSize() (int64, error) {
	_, n := binary.Uvarint(p.bytes[:p.n])
	if n <= 0 {
		return 0, packfile.ErrInvalidDelta
	}
	size, n := binary.Uvarint(p.bytes[n:p.n])
	if n <= 0 {
		return 0, packfile.ErrInvalidDelta
	}
	return int64(size), nil //nolint:gosec // a size that overflows is negative, and refused
}
