package gitops

import (
	"bytes"
	"cmp"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// packed is one object of a handmade pack.
type packed struct {
	kind plumbing.ObjectType
	// stated is the size that the pack gives, if not that of the content.
	stated  uint64
	content []byte
	// back is the distance to the base of a delta, in bytes.
	back byte
}

// packOf makes a pack, without the checks of a Git server; objects is what its header says.
func packOf(t testing.TB, objects uint32, all ...packed) []byte {
	t.Helper()
	pack := append([]byte("PACK"), 0, 0, 0, 2)
	pack = binary.BigEndian.AppendUint32(pack, objects)
	for _, o := range all {
		size := cmp.Or(o.stated, uint64(len(o.content)))
		first := byte(o.kind)<<4 | byte(size&0x0f)
		if size >>= 4; size == 0 {
			pack = append(pack, first)
		} else {
			pack = binary.AppendUvarint(append(pack, first|0x80), size)
		}
		if o.kind == plumbing.OFSDeltaObject {
			pack = append(pack, o.back)
		}
		var compressed bytes.Buffer
		w := zlib.NewWriter(&compressed)
		if _, err := w.Write(o.content); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		pack = append(pack, compressed.Bytes()...)
	}
	sum := sha1.Sum(pack)
	return append(pack, sum[:]...)
}

// delta states the sizes of its base and of what it makes, and copies nothing.
func delta(base, target uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(nil, base), target)
}

// A server may send a pack that unpacks to far more than it has bytes. None of these gets as far as go-git.
func TestPackBombs(t *testing.T) {
	small := packed{kind: plumbing.BlobObject, content: []byte("a: 1\n")}
	distance := byte(1 + len(packOf(t, 1, small)) - len(packOf(t, 0)) - 1) // from a delta that follows it
	zeros := packed{kind: plumbing.BlobObject, content: make([]byte, 1<<20)}
	limits := packLimits{objects: 10, object: 1 << 20, total: 4 << 20}
	for name, tc := range map[string]struct {
		pack []byte
		want error
	}{
		"harmless":               {packOf(t, 1, small), nil},
		"as large as allowed":    {packOf(t, 4, zeros, zeros, zeros, zeros), nil},
		"a file of 1 GB":         {packOf(t, 1, packed{kind: plumbing.BlobObject, stated: 1 << 30}), errPackBomb},
		"a file without end":     {packOf(t, 1, packed{kind: plumbing.BlobObject, stated: 1 << 56}), errPackBomb},
		"many large files":       {packOf(t, 5, zeros, zeros, zeros, zeros, small), errPackBomb},
		"too many objects":       {packOf(t, 4_000_000_000, small), errPackBomb},
		"a delta to 1 GB":        {packOf(t, 2, small, packed{kind: plumbing.OFSDeltaObject, content: delta(5, 1<<30), back: distance}), errPackBomb},
		"a delta to 2^63":        {packOf(t, 2, small, packed{kind: plumbing.OFSDeltaObject, content: delta(5, 1<<63), back: distance}), errPackBomb},
		"a delta without sizes":  {packOf(t, 2, small, packed{kind: plumbing.OFSDeltaObject, content: []byte{5}, back: distance}), packfile.ErrInvalidDelta},
		"more than it states":    {packOf(t, 1, packed{kind: plumbing.BlobObject, content: small.content, stated: 1}), packfile.ErrInflatedSizeMismatch},
		"fewer objects than":     {packOf(t, 3, small)[:len(packOf(t, 1, small))-20], io.EOF},
		"cut off":                {packOf(t, 1, zeros)[:40], io.ErrUnexpectedEOF},
		"no pack":                {[]byte("<html>502</html>"), packfile.ErrBadSignature},
		"nothing":                {nil, packfile.ErrEmptyPackfile},
		"a size that overflows":  {append(packOf(t, 1)[:12], bytes.Repeat([]byte{0xff}, 30)...), packfile.ErrMalformedPackFile},
		"a delta before its end": {packOf(t, 1, packed{kind: plumbing.OFSDeltaObject, content: delta(5, 5), back: 200}), packfile.ErrMalformedPackFile},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			storage := filesystem.NewStorage(osfs.New(dir, osfs.WithBoundOS()), cache.NewObjectLRUDefault())
			w, err := (&limitedStorage{Storage: storage, dir: dir, left: 1 << 20, limits: limits}).PackfileWriter()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(tc.pack); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); !errors.Is(err, tc.want) || tc.want == nil && err != nil {
				t.Errorf("Close() = %v, want %v", err, tc.want)
			}
		})
	}
}

// FuzzPack checks arbitrary packs: what passes cannot unpack to more than the limits.
func FuzzPack(f *testing.F) {
	blob := packed{kind: plumbing.BlobObject, content: []byte("a: 1\n")}
	f.Add(packOf(f, 1, blob))
	f.Add(packOf(f, 2, blob, packed{kind: plumbing.OFSDeltaObject, content: delta(5, 5), back: 14}))
	limits := packLimits{objects: 10, object: 1 << 10, total: 4 << 10}
	f.Fuzz(func(t *testing.T, pack []byte) {
		if limits.check(bytes.NewReader(pack)) != nil {
			return
		}
		storage := filesystem.NewStorage(osfs.New(t.TempDir(), osfs.WithBoundOS()), cache.NewObjectLRUDefault())
		w, err := storage.PackfileWriter()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(pack); err != nil {
			t.Fatal(err)
		}
		if w.Close() != nil {
			return // go-git may find fault with what is within the limits
		}
		objects, err := storage.IterEncodedObjects(plumbing.AnyObject)
		if err != nil {
			t.Fatal(err)
		}
		total := int64(0)
		_ = objects.ForEach(func(o plumbing.EncodedObject) error { total += o.Size(); return nil })
		if total > limits.total {
			t.Errorf("%d bytes are stored", total)
		}
	})
}
