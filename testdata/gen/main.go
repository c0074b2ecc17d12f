// Command gen edits small Matroska files into the forms that no muxer at hand writes: damaged ones, header-stripped ones,
// those of a camera service. scripts/testdata.sh calls it.
//
//	gen IN OUT EDIT...
//
// The input is read into a tree of elements, the edits are made in order, and the tree is written with known sizes (unless
// "unknown" says otherwise). SeekHead, Cues, Void and CRC-32 are left out, since they would be wrong afterwards.
//
//	annexb          4-byte NAL unit lengths of track 1 become start codes
//	noprivate       track 1 loses its CodecPrivate
//	cutprivate      track 1 keeps the first half of its CodecPrivate
//	strip           the leading bytes that all frames of track 1 share (at most 3) move into its ContentEncodings
//	unknown         Segment and Cluster get unknown sizes
//	junk=N          600 bytes of noise before the Nth Cluster
//	shift=N:MS      Clusters from the Nth on are moved by MS milliseconds
//	swap=N          the Nth Cluster and the one behind it change places
//	documents       each Cluster becomes a document of its own, with the first EBML header, Info and Tracks in front
//	relative        each Segment's first Cluster is at 0
//	tags            each Segment gets the tags of a camera service's fragment before its Cluster
package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
)

const (
	idEBML        = 0x1A45DFA3
	idSegment     = 0x18538067
	idSeekHead    = 0x114D9B74
	idInfo        = 0x1549A966
	idTracks      = 0x1654AE6B
	idTrackEntry  = 0xAE
	idTrackNumber = 0xD7
	idPrivate     = 0x63A2
	idCluster     = 0x1F43B675
	idBlockGroup  = 0xA0
	idBlock       = 0xA1
	idSimpleBlock = 0xA3
	idCues        = 0x1C53BB6B
	idVoid        = 0xEC
	idCRC32       = 0xBF
	idTags        = 0x1254C367
	idTag         = 0x7373
	idSimpleTag   = 0x67C8
	idTagName     = 0x45A3
	idTagString   = 0x4487
	idNoise       = 0 // raw bytes, not an element
)

// node is one element: a master with children, or bytes.
type node struct {
	id       uint32
	data     []byte
	children []*node
	master   bool
	unknown  bool
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 2 {
		return errors.New("usage: gen IN OUT EDIT...")
	}
	in, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	tree, _, err := parse(in, 0)
	if err != nil {
		return err
	}
	for _, arg := range args[2:] {
		if arg == "documents" {
			if tree, err = documents(tree); err != nil {
				return err
			}
			continue
		}
		name, value, _ := strings.Cut(arg, "=")
		edit, ok := edits[name]
		if !ok {
			return fmt.Errorf("no edit %q", name)
		}
		if err := edit(tree, value); err != nil {
			return fmt.Errorf("%s: %w", arg, err)
		}
	}
	var out []byte
	for _, n := range tree {
		out = n.append(out)
	}
	return os.WriteFile(args[1], out, 0o666)
}

func isMaster(id uint32) bool {
	switch id {
	case idSegment, idTracks, idTrackEntry, idCluster, idBlockGroup:
		return true
	}
	return false
}

// endsUnknown reports whether an element with this id ends a parent of unknown size.
func endsUnknown(parent, id uint32) bool {
	switch parent {
	case idCluster:
		return id == idCluster || id == idTags || id == idCues || id == idSegment || id == idEBML
	case idSegment:
		return id == idSegment || id == idEBML
	}
	return false
}

// parse reads elements until b ends, or for a parent of unknown size until an element that ends it. It returns what it used.
func parse(b []byte, unknownParent uint32) (nodes []*node, used int, err error) {
	for used < len(b) {
		id, n := vint(b[used:], true)
		if unknownParent != 0 && endsUnknown(unknownParent, uint32(id)) {
			return nodes, used, nil
		}
		size, m := vint(b[used+n:], false)
		if n == 0 || m == 0 {
			return nil, 0, fmt.Errorf("bad element head at %d", used)
		}
		e := &node{id: uint32(id), master: isMaster(uint32(id))}
		body := b[used+n+m:]
		used += n + m
		if size == 1<<(7*m)-1 {
			e.children, m, err = parse(body, e.id)
			used += m
		} else {
			if size > uint64(len(body)) {
				return nil, 0, fmt.Errorf("element %X at %d is larger than its parent", id, used-n-m)
			}
			e.data = body[:size]
			used += int(size)
			if e.master {
				e.children, _, err = parse(e.data, 0)
			}
		}
		if err != nil {
			return nil, 0, err
		}
		switch e.id {
		case idSeekHead, idCues, idVoid, idCRC32:
		default:
			nodes = append(nodes, e)
		}
	}
	return nodes, used, nil
}

// vint reads an EBML variable-size integer, with its length marker if that belongs to the value, and returns its length.
func vint(b []byte, marker bool) (uint64, int) {
	if len(b) == 0 || b[0] == 0 {
		return 0, 0
	}
	n := 1
	for b[0]&(0x80>>(n-1)) == 0 {
		n++
	}
	if n > len(b) {
		return 0, 0
	}
	v := uint64(b[0])
	if !marker {
		v &= 1<<(8-n) - 1
	}
	for _, c := range b[1:n] {
		v = v<<8 | uint64(c)
	}
	return v, n
}

func (n *node) append(dst []byte) []byte {
	if n.id == idNoise {
		return append(dst, n.data...)
	}
	var id [4]byte
	binary.BigEndian.PutUint32(id[:], n.id)
	dst = append(dst, bytes.TrimLeft(id[:], "\x00")...)
	body := n.data
	if n.master {
		body = nil
		for _, c := range n.children {
			body = c.append(body)
		}
	}
	switch {
	case n.unknown:
		dst = append(dst, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF)
	case len(body) < 127:
		dst = append(dst, 0x80|byte(len(body)))
	default:
		dst = binary.BigEndian.AppendUint32(dst, 1<<28|uint32(len(body)))
	}
	return append(dst, body...)
}

// each calls f with every element of the given id, and with its parent.
func each(nodes []*node, parent *node, id uint32, f func(n, parent *node) error) error {
	for _, n := range nodes {
		if n.id == id {
			if err := f(n, parent); err != nil {
				return err
			}
		}
		if err := each(n.children, n, id, f); err != nil {
			return err
		}
	}
	return nil
}

// eachFrame calls f with the frame of every unlaced block of track 1. What f returns takes the frame's place.
func eachFrame(tree []*node, f func(frame []byte) ([]byte, error)) error {
	for _, id := range []uint32{idSimpleBlock, idBlock} {
		err := each(tree, nil, id, func(n, _ *node) error {
			if n.data[0] != 0x81 {
				return nil
			}
			if n.data[3]&0x06 != 0 {
				return errors.New("track 1 is laced")
			}
			frame, err := f(n.data[4:])
			n.data = append(bytes.Clone(n.data[:4]), frame...)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// firstTrack calls f with the TrackEntry of track 1 in each Tracks.
func firstTrack(tree []*node, f func(entry *node)) error {
	return each(tree, nil, idTrackEntry, func(entry, _ *node) error {
		for _, c := range entry.children {
			if c.id == idTrackNumber && len(c.data) == 1 && c.data[0] == 1 {
				f(entry)
			}
		}
		return nil
	})
}

// documents gives each Cluster a document of its own.
func documents(tree []*node) ([]*node, error) {
	if len(tree) != 2 || tree[1].id != idSegment {
		return nil, errors.New("documents wants one EBML header and one Segment")
	}
	var head []*node
	var out []*node
	for _, c := range tree[1].children {
		switch c.id {
		case idInfo, idTracks:
			head = append(head, c)
		case idCluster:
			out = append(out, tree[0], &node{id: idSegment, master: true, children: append(slices.Clone(head), c)})
		}
	}
	return out, nil
}

// timestamp returns the value of a Cluster's Timestamp, and setTimestamp changes it.
func timestamp(cluster *node) (v uint64) {
	for _, b := range cluster.children[0].data {
		v = v<<8 | uint64(b)
	}
	return v
}

func setTimestamp(cluster *node, v uint64) {
	cluster.children[0].data = binary.BigEndian.AppendUint64(nil, v)
}

var edits = map[string]func(tree []*node, value string) error{
	"annexb": func(tree []*node, _ string) error {
		return eachFrame(tree, func(frame []byte) ([]byte, error) {
			out := bytes.Clone(frame)
			for at := 0; at < len(out); {
				size := int(binary.BigEndian.Uint32(out[at:]))
				copy(out[at:], "\x00\x00\x00\x01")
				at += 4 + size
			}
			return out, nil
		})
	},
	"noprivate": func(tree []*node, _ string) error {
		return firstTrack(tree, func(entry *node) {
			kept := entry.children[:0]
			for _, c := range entry.children {
				if c.id != idPrivate {
					kept = append(kept, c)
				}
			}
			entry.children = kept
		})
	},
	"cutprivate": func(tree []*node, _ string) error {
		return firstTrack(tree, func(entry *node) {
			for _, c := range entry.children {
				if c.id == idPrivate {
					c.data = c.data[:len(c.data)/2]
				}
			}
		})
	},
	"strip": func(tree []*node, _ string) error {
		var prefix []byte
		err := eachFrame(tree, func(frame []byte) ([]byte, error) {
			if prefix == nil {
				prefix = bytes.Clone(frame[:3])
			}
			for !bytes.HasPrefix(frame, prefix) {
				prefix = prefix[:len(prefix)-1]
			}
			return frame, nil
		})
		if err != nil {
			return err
		}
		if len(prefix) == 0 {
			return errors.New("the frames share no leading byte")
		}
		if err := eachFrame(tree, func(frame []byte) ([]byte, error) { return frame[len(prefix):], nil }); err != nil {
			return err
		}
		number := func(id uint32, v byte) *node { return &node{id: id, data: []byte{v}} }
		master := func(id uint32, children ...*node) *node { return &node{id: id, master: true, children: children} }
		return firstTrack(tree, func(entry *node) {
			entry.children = append(entry.children, master(0x6D80, master(0x6240,
				number(0x5031, 0), // ContentEncodingOrder
				number(0x5032, 1), // ContentEncodingScope: the frames
				number(0x5033, 0), // ContentEncodingType: compression
				master(0x5034, number(0x4254, 3), &node{id: 0x4255, data: prefix}))))
		})
	},
	"unknown": func(tree []*node, _ string) error {
		unknown := func(n, _ *node) error { n.unknown = true; return nil }
		if err := each(tree, nil, idSegment, unknown); err != nil {
			return err
		}
		return each(tree, nil, idCluster, unknown)
	},
	"junk": func(tree []*node, value string) error {
		nth, err := strconv.Atoi(value)
		if err != nil {
			return err
		}
		random := rand.New(rand.NewPCG(7, 7))
		noise := make([]byte, 600)
		for i := range noise {
			noise[i] = byte(random.Uint32())
		}
		noise[0] = 0 // no element begins with it
		seen := 0
		for _, top := range tree {
			for i, c := range top.children {
				if c.id != idCluster {
					continue
				}
				if seen++; seen == nth {
					rest := append([]*node{{id: idNoise, data: noise}}, top.children[i:]...)
					top.children = append(top.children[:i:i], rest...)
					return nil
				}
			}
		}
		return errors.New("there are not so many Clusters")
	},
	"shift": func(tree []*node, value string) error {
		var nth, ms, seen int
		if _, err := fmt.Sscanf(value, "%d:%d", &nth, &ms); err != nil {
			return err
		}
		return each(tree, nil, idCluster, func(n, _ *node) error {
			if seen++; seen >= nth {
				setTimestamp(n, timestamp(n)+uint64(ms))
			}
			return nil
		})
	},
	"swap": func(tree []*node, value string) error {
		nth, err := strconv.Atoi(value)
		if err != nil {
			return err
		}
		var at []int
		segment := tree[len(tree)-1]
		for i, c := range segment.children {
			if c.id == idCluster {
				at = append(at, i)
			}
		}
		if nth < 1 || nth >= len(at) {
			return errors.New("there are not so many Clusters")
		}
		a, b := at[nth-1], at[nth]
		segment.children[a], segment.children[b] = segment.children[b], segment.children[a]
		return nil
	},
	"relative": func(tree []*node, _ string) error {
		return each(tree, nil, idSegment, func(segment, _ *node) error {
			at := slices.IndexFunc(segment.children, func(c *node) bool { return c.id == idCluster })
			first := timestamp(segment.children[at])
			for _, c := range segment.children[at:] {
				if c.id == idCluster {
					setTimestamp(c, timestamp(c)-first)
				}
			}
			return nil
		})
	},
	"tags": func(tree []*node, _ string) error {
		fragment := int64(0)
		return each(tree, nil, idSegment, func(segment, _ *node) error {
			at := slices.IndexFunc(segment.children, func(c *node) bool { return c.id == idCluster })
			producer := timestamp(segment.children[at])
			fragment++
			server := producer + 350
			number := fragmentNumber(fragment, server)
			before := tagsElement("AWS_KINESISVIDEO_FRAGMENT_NUMBER", number, "AWS_KINESISVIDEO_SERVER_TIMESTAMP", seconds(server),
				"AWS_KINESISVIDEO_PRODUCER_TIMESTAMP", seconds(producer))
			after := tagsElement("AWS_KINESISVIDEO_MILLIS_BEHIND_NOW", "0", "AWS_KINESISVIDEO_CONTINUATION_TOKEN", number)
			segment.children = slices.Concat(segment.children[:at], []*node{before, segment.children[at], after}, segment.children[at+1:])
			return nil
		})
	},
}

// tagsElement makes a Tags element with one Tag of the given names and values in turn.
func tagsElement(pairs ...string) *node {
	tag := &node{id: idTag, master: true}
	for pair := range slices.Chunk(pairs, 2) {
		tag.children = append(tag.children, &node{id: idSimpleTag, master: true, children: []*node{
			{id: idTagName, data: []byte(pair[0])}, {id: idTagString, data: []byte(pair[1])},
		}})
	}
	return &node{id: idTags, master: true, children: []*node{tag}}
}

// fragmentNumber makes a number as the camera service does: 2^156 + counter * 2^92 + server milliseconds * 2^28.
func fragmentNumber(counter int64, serverMillis uint64) string {
	n := new(big.Int).Lsh(big.NewInt(1), 156)
	n.Add(n, new(big.Int).Lsh(big.NewInt(counter), 92))
	return n.Add(n, new(big.Int).Lsh(new(big.Int).SetUint64(serverMillis), 28)).String()
}

// seconds writes milliseconds as seconds with three decimals.
func seconds(ms uint64) string { return fmt.Sprintf("%d.%03d", ms/1000, ms%1000) }
