print("odometer")
