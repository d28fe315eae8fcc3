/* SPDX-License-Identifier: MIT */
/* Markers in C++: in a template, a lambda and a destructor. */
#include <cairn/marker.h>

#include <string>
#include <vector>

template <typename T> static void greet(const std::string &name, T times)
{
	CAIRN_MARK(greeter, greeting, CAIRN_TEXT(name, name.c_str()), CAIRN_INT(times, (long)times));
}

struct door {
	~door()
	{
		CAIRN_MARK(greeter, closed);
	}
};

int main()
{
	door entrance;
	std::vector<short> guests = {1, -2, 3};
	auto count = [&] {
		CAIRN_MARK(greeter, guests, CAIRN_ARRAY(ids, guests.data(), guests.size()));
	};
	greet("Ada", 1);
	greet("Grace", 2L);
	count();
	return 0;
}
