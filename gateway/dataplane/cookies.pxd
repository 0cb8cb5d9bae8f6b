from gateway.dataplane.http1 cimport Head


cdef const char* cookie_value(const char* p, const Head* head, const char* name, size_t name_size,
                              size_t* size) noexcept
