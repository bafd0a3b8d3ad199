package store

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// This file reads bbolt's file format, which has been version 2 since 2013, only
// to find out whether bbolt can be let at a file: bbolt itself maps it into memory
// and trusts it.

const (
	metaMagic   = 0xED0CDAED
	metaVersion = 2
	metaSize    = 64

	pageHeader     = 16
	pageElement    = 16
	flagBranch     = 0x01
	flagLeaf       = 0x02
	flagFreelist   = 0x10
	bucketHeader   = 16
	elementBucket  = 0x01
	maxPageSize    = 1 << 24
	minPageSize    = 1 << 10
	freelistInData = 0xFFFF // a count that stands in the page's data
)

// wholeCheckLimit is the size up to which every page is read before the store is
// opened: a fraction of a second from memory, a few seconds from a slow disk. Of a
// larger one only the layout and the free list are looked at.
const wholeCheckLimit = 256 << 20

// layout is what a meta page says.
type layout struct {
	pageSize int64
	root     uint64
	freelist uint64
	pages    uint64 // the number of pages in use or free: the high-water mark
	txid     uint64
}

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}

// readLayout finds the meta page that bbolt will go by and checks it against the
// length of the file.
func readLayout(f *os.File) (layout, error) {
	info, err := f.Stat()
	if err != nil {
		return layout{}, err
	}
	if !info.Mode().IsRegular() {
		return layout{}, fmt.Errorf("%w: it is no regular file", ErrForeign)
	}
	if info.Size() == 0 {
		return layout{}, fmt.Errorf("%w: it is empty", ErrForeign)
	}
	best, magic, ok := layout{}, false, false
	try := func(at int64) (found bool) {
		l, m, valid := readMeta(f, at)
		magic = magic || m
		if valid && (!ok || l.txid > best.txid) {
			best, ok = l, true
		}
		return valid
	}
	// The second page is where the first says that pages are, or else tried at
	// every size, as bbolt does.
	if try(0) {
		try(best.pageSize)
	} else {
		for size := int64(minPageSize); size <= maxPageSize && !try(size); size *= 2 {
		}
	}
	switch {
	case !ok && !magic:
		return layout{}, ErrForeign
	case !ok:
		return layout{}, damaged("neither of its first two pages is whole")
	}
	// The length comes after what it is compared with: somebody may be writing.
	if info, err = f.Stat(); err != nil {
		return layout{}, err
	}
	if have := uint64(info.Size()); best.pages > have/uint64(best.pageSize) {
		return layout{}, damaged("%d bytes of its %d are there", have, best.pages*uint64(best.pageSize))
	}
	return best, nil
}

// readMeta reads the meta page at an offset: whether it has the magic number, and
// whether it can be gone by.
func readMeta(f io.ReaderAt, at int64) (l layout, magic, valid bool) {
	var b [pageHeader + metaSize]byte
	if _, err := f.ReadAt(b[:], at); err != nil {
		// A file that ends here may still be known by its magic number.
		_ = err
	}
	m, order := b[pageHeader:], binary.NativeEndian
	magic = order.Uint32(m) == metaMagic
	l = layout{
		pageSize: int64(order.Uint32(m[8:])),
		root:     order.Uint64(m[16:]),
		freelist: order.Uint64(m[32:]),
		pages:    order.Uint64(m[40:]),
		txid:     order.Uint64(m[48:]),
	}
	sum := fnv.New64a()
	_, _ = sum.Write(m[:56])
	valid = magic && order.Uint32(m[4:]) == metaVersion && order.Uint64(m[56:]) == sum.Sum64() &&
		l.pageSize >= minPageSize && l.pageSize <= maxPageSize && l.pageSize&(l.pageSize-1) == 0 &&
		l.pages < 1<<40 && l.root >= 2 && l.root < l.pages && l.freelist >= 2 && l.freelist < l.pages
	return l, magic, valid
}

// page is a page with all that overflows from it.
type page struct {
	id       uint64
	flags    uint16
	count    int
	overflow uint64
	data     []byte // with the header
}

// checker finds out whether each page of a file is what it should be, in one go
// through it. Sound is: every page is free or in use, and each one in use is
// referred to exactly once. That is enough for bbolt to find its way.
type checker struct {
	layout
	free map[uint64]bool
	refs map[uint64]int // tree pages: how often one is referred to
	tree []uint64       // tree pages that are there
}

func checkPages(f *os.File, limit int64) error {
	l, err := readLayout(f)
	if err != nil {
		return err
	}
	c := &checker{layout: l, refs: map[uint64]int{l.root: 1}}
	if err := c.readFreelist(f); err != nil {
		return err
	}
	if int64(l.pages)*l.pageSize > limit {
		return nil
	}
	in := bufio.NewReaderSize(io.NewSectionReader(f, 2*l.pageSize, int64(l.pages-2)*l.pageSize), 1<<20)
	for id := uint64(2); id < l.pages; {
		if c.free[id] {
			if _, err := in.Discard(int(l.pageSize)); err != nil {
				return err
			}
			id++
			continue
		}
		p, err := c.readPage(in, id)
		if err != nil {
			return err
		}
		if err := c.checkPage(p); err != nil {
			return err
		}
		id += 1 + p.overflow
	}
	for _, id := range c.tree {
		if n := c.refs[id]; n != 1 {
			return damaged("page %d is referred to %d times", id, n)
		}
		delete(c.refs, id)
	}
	for id := range c.refs {
		return damaged("page %d is referred to and not there", id)
	}
	return nil
}

func (c *checker) readFreelist(f io.ReaderAt) error {
	p, err := c.readPage(io.NewSectionReader(f, int64(c.freelist)*c.pageSize, int64(c.pages-c.freelist)*c.pageSize), c.freelist)
	if err != nil {
		return err
	}
	if p.flags != flagFreelist {
		return damaged("page %d is not its list of free pages", c.freelist)
	}
	ids, n := p.data[pageHeader:], uint64(p.count)
	if n == freelistInData {
		n, ids = binary.NativeEndian.Uint64(ids), ids[8:]
	}
	if n > uint64(len(ids)/8) {
		return damaged("its list of free pages is longer than its place")
	}
	c.free = make(map[uint64]bool, n)
	for i := range n {
		id := binary.NativeEndian.Uint64(ids[8*i:])
		if id < 2 || id >= c.pages || c.free[id] || id >= p.id && id <= p.id+p.overflow {
			return damaged("page %d cannot be free", id)
		}
		c.free[id] = true
	}
	return nil
}

// readPage reads the page id and what overflows from it.
func (c *checker) readPage(in io.Reader, id uint64) (*page, error) {
	head := make([]byte, c.pageSize)
	if _, err := io.ReadFull(in, head); err != nil {
		return nil, err
	}
	order := binary.NativeEndian
	p := &page{
		id:       order.Uint64(head),
		flags:    order.Uint16(head[8:]),
		count:    int(order.Uint16(head[10:])),
		overflow: uint64(order.Uint32(head[12:])),
		data:     head,
	}
	if p.id != id || p.overflow >= c.pages-id {
		return nil, damaged("page %d is not itself", id)
	}
	if p.overflow > 0 {
		rest := make([]byte, int64(p.overflow)*c.pageSize)
		if _, err := io.ReadFull(in, rest); err != nil {
			return nil, err
		}
		p.data = append(head, rest...)
	}
	return p, nil
}

func (c *checker) checkPage(p *page) error {
	for i := range p.overflow {
		if c.free[p.id+1+i] {
			return damaged("page %d is free and in use", p.id+1+i)
		}
	}
	switch p.flags {
	case flagFreelist:
		if p.id != c.freelist {
			return damaged("page %d is a second list of free pages", p.id)
		}
		return nil
	case flagBranch, flagLeaf:
		c.tree = append(c.tree, p.id)
		return c.checkElements(p)
	}
	return damaged("page %d has no known kind", p.id)
}

// checkElements checks that what a page holds lies within it, in order, and notes
// the pages that it refers to.
func (c *checker) checkElements(p *page) error {
	branch := p.flags == flagBranch
	if pageHeader+p.count*pageElement > len(p.data) || branch && p.count == 0 {
		return damaged("page %d has more entries than room", p.id)
	}
	order := binary.NativeEndian
	last := ""
	for i := range p.count {
		at := pageHeader + i*pageElement
		e := p.data[at:]
		// A branch has pos, key size, page; a leaf flags, pos, key size, value size.
		var flags uint32
		var pos, ksize, vsize uint64
		if branch {
			pos, ksize = uint64(order.Uint32(e)), uint64(order.Uint32(e[4:]))
		} else {
			flags, pos = order.Uint32(e), uint64(order.Uint32(e[4:]))
			ksize, vsize = uint64(order.Uint32(e[8:])), uint64(order.Uint32(e[12:]))
		}
		if uint64(at)+pos+ksize+vsize > uint64(len(p.data)) {
			return damaged("page %d holds an entry that ends outside of it", p.id)
		}
		key := string(e[pos : pos+ksize])
		if i > 0 && key <= last {
			return damaged("page %d is not in order", p.id)
		}
		last = key
		switch {
		case branch:
			if err := c.refer(p.id, order.Uint64(e[8:])); err != nil {
				return err
			}
		case flags&elementBucket != 0:
			if err := c.checkBucket(p.id, e[pos+ksize:pos+ksize+vsize]); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkBucket follows a bucket that an entry of a leaf holds: the page of its root,
// or, for a small one, the only page itself.
func (c *checker) checkBucket(holder uint64, value []byte) error {
	if len(value) < bucketHeader {
		return damaged("page %d holds a bucket that is too short", holder)
	}
	order := binary.NativeEndian
	if root := order.Uint64(value); root != 0 {
		return c.refer(holder, root)
	}
	inline := value[bucketHeader:]
	if len(inline) < pageHeader || order.Uint16(inline[8:]) != flagLeaf {
		return damaged("page %d holds a bucket that cannot be read", holder)
	}
	return c.checkElements(&page{id: holder, flags: flagLeaf, count: int(order.Uint16(inline[10:])), data: inline})
}

func (c *checker) refer(from, to uint64) error {
	if to < 2 || to >= c.pages || c.free[to] {
		return damaged("page %d refers to page %d, which is none in use", from, to)
	}
	c.refs[to]++
	return nil
}
